// The mesh of a member: channels to the other members, each let in by the registry. Who they are is for the roster to say, how they are reached for the runtime;
// a refusal that ends this member is told to its owner. Opened by `open-member.ts`.
import { openMesh } from '@raftkv/transport';
import type { Mesh, MeshOptions } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { ClusterId } from './cluster-id.ts';
import type { PeerRegistry } from './founding.ts';
import { Guests } from './guests.ts';
import type { Roster } from './roster.ts';
import type { SecondFounding } from './second-founding.ts';

/** What a runtime gives: how others are reached, and what dice and clock there are. */
export type MeshParts = Pick<MeshOptions, 'dial' | 'dialDirect' | 'random' | 'limits'>;

export type MeshEvent =
  | { readonly type: 'peer connected'; readonly peer: string }
  /** This side refused the other, or was refused. */
  | {
      readonly type: 'peer refused' | 'refused by peer';
      readonly peer: string;
      readonly code: RaftkvError['code'];
      readonly reason: string;
    };

export interface MemberMeshOptions {
  readonly parts: MeshParts;
  readonly self: MeshOptions['self'];
  readonly clock: NonNullable<MeshOptions['clock']>;
  readonly clusterId: Pick<ClusterId, 'with'>;
  readonly registry: PeerRegistry;
  readonly roster: Roster;
  readonly second: Pick<SecondFounding, 'suspect'>;
  readonly onEvent: (event: MeshEvent) => void;
  /** This member cannot go on. */
  readonly onHalt: (error: RaftkvError) => void;
  /** Another one says that this member was removed. */
  readonly onRemoved: (reason: string) => void;
}

/** Without peers: they are added as the roster has them. */
export function openMemberMesh(options: MemberMeshOptions): Mesh {
  const { parts, self, clock, clusterId, registry, roster, second, onEvent, onHalt, onRemoved } = options;
  const nameOf = (id: string): string => roster.get(id)?.name ?? id;
  const mesh = openMesh({
    ...parts,
    self,
    clock,
    peers: [],
    clusterIdFor: (peer) => clusterId.with(peer),
    onForeign: (peer) => second.suspect(peer),
    factsFor: (peer) => registry.factsFor(peer),
    admit: (peer) => registry.admit(peer),
    strangerError: (id) => {
      second.suspect(id);
      guests.invite(id);
      return registry.strangerError(id);
    },
    onWelcomed: (peer) => {
      onEvent({ type: 'peer connected', peer: nameOf(peer) });
      registry.admittedBy(peer).catch((error: unknown) => onHalt(RaftkvError.from(error)));
    },
    onRefused: (peer, { code, message }, by) => {
      onEvent({ type: by === 'self' ? 'peer refused' : 'refused by peer', peer: nameOf(peer), code, reason: message });
      // Nobody can be founded any more. Who is, by an older rule, is no part of it.
      if (code === 'founders_disagree' && !registry.isFounded) onHalt(new RaftkvError(code, message));
      if (by === 'self') return;
      // The others remember the storage that this member once had: it may not take part with an empty one.
      if (code === 'member_amnesia') onHalt(new RaftkvError(code, message));
      if (code === 'member_removed') onRemoved(message);
      // Another process has its storage, or it is a copy: it may not come back from there.
      if (code === 'member_superseded') {
        registry.superseded(message).then(onHalt, (error: unknown) => onHalt(RaftkvError.from(error)));
      }
    },
  });
  registry.onNews = () => mesh.tellFounding();
  const guests = new Guests({ roster, mesh });
  return mesh;
}
