// The rules by which two members that act alone end up with one channel: who dials, which of two channels stays, what a refusal means.
// Pure; both sides of a pair must come to the same answer. Called by `mesh.ts`.
import type { PeerId } from '@raftkv/raft';
import type { RaftkvError } from '@raftkv/wire';
import type { MeshPeer } from './mesh-options.ts';

/** What the rules look at in a channel whose handshake is done. */
export interface Link {
  readonly diallerId: PeerId;
  readonly openedAt: number;
  readonly isOpen: boolean;
  readonly path: 'direct' | 'relayed' | undefined;
  /** Which start of the peer is at the other end; 0: it does not tell. */
  readonly bootCount: number;
}

/** Whether this side dials the peer at all. */
export function mayDial(peer: MeshPeer): boolean {
  return peer.dials !== false;
}

/**
 * The smaller id dials, with short pauses. The other one knocks once when it starts, so that a member that comes back need not wait for the end of
 * somebody's pause, and after that only with longer pauses, when nothing came.
 */
export function dialsFirst(selfId: PeerId, peer: MeshPeer): boolean {
  return peer.dials ?? selfId < peer.id;
}

/**
 * One channel a pair. Dialled anew by the same member: it knows that the older one is gone, whatever we see of it. Dialled by both at about the same
 * time: the smaller id's stays, and both sides see it so. Dialled by the other one when ours has stood for longer than a handshake may take: again
 * the other side has lost it. A direct one is better than a relayed one, whoever dialled.
 */
export function replaces(next: Link, current: Link, handshakeMilliseconds: number): boolean {
  if (isOlderStart(current, next.bootCount)) return true;
  if (!current.isOpen || next.diallerId === current.diallerId) return true;
  const isRecent = next.openedAt - current.openedAt <= handshakeMilliseconds;
  const [isNextRelayed, isCurrentRelayed] = [next.path === 'relayed', current.path === 'relayed'];
  if (isNextRelayed !== isCurrentRelayed) return isCurrentRelayed || !isRecent;
  return next.diallerId < current.diallerId || !isRecent;
}

/** Whether the peer has been started again since it opened this one. */
export function isOlderStart(link: Link, bootCount: number): boolean {
  return link.bootCount !== 0 && link.bootCount < bootCount;
}

/** Whether a channel stood long enough to end a series of failures, so that the next pause is a short one again. */
export function hasProved(link: Link, now: number): boolean {
  return now - link.openedAt >= provenMilliseconds;
}

const provenMilliseconds = 1000;

/** Refusals that pass by themselves: dial again soon, and trouble nobody. */
export function passes(refusal: RaftkvError): boolean {
  return refusal.code === 'busy' || refusal.code === 'closed' || refusal.code === 'timeout';
}
