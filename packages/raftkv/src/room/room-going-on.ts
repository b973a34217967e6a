// How a member goes on alone when the majority of its room is lost: from its storage to that of a room of one, of the next epoch, which begins with all that the log
// of this member holds. When that may be done is for `room.ts`, and what becomes of the member that was for `room-seat.ts`.
import { restoreLatest } from '@raftkv/replica';
import { KvStateMachine } from '@raftkv/server';
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import { forkHome } from './room-home.ts';
import type { RoomHome, TabSelf } from './room-home.ts';
import { nextLineage } from './room-note.ts';
import type { RoomSlots } from './room-platform.ts';

/** What a room of one begins with. */
export interface HeldState {
  readonly stateMachine: KvStateMachine;
  /** Of the last entry that is part of it. */
  readonly index: number;
  /** The newest one that its member has seen. */
  readonly term: number;
}

export interface GoingOn {
  readonly slots: RoomSlots;
  readonly self: TabSelf;
  /** Of the cluster that was. */
  readonly clusterId: string;
  /** Of the member that was, which has ended: its storage is closed. */
  readonly former: RoomHome;
}

/** Rejects with `storage_*`: then nothing has changed, and the former member can be revived. Its storage is removed otherwise. */
export function goOnHome(going: GoingOn): Promise<RoomHome> {
  return going.slots.alone(() => leaveBehind(going));
}

async function leaveBehind({ slots, self, clusterId, former }: GoingOn): Promise<RoomHome> {
  const slot = await former.slot.reopen();
  try {
    const state = await readHeldState(slot.storage);
    const home = await forkHome(slots, self, { ...state, lineage: nextLineage(clusterId, former.note.lineage) });
    await slot.remove();
    return home;
  } catch (error) {
    await slot.storage.close().catch(() => undefined);
    throw error;
  }
}

/**
 * The snapshot and every entry of the log after it, in their order, whether or not they are known to be committed. Whatever was acknowledged is in the logs of a majority,
 * but who has it need not have heard that yet, and after a restart knows of few entries that they are: so an end of the log that nobody vouches for is kept. What
 * of it was never agreed to becomes so: that may only be writes whose callers were told that their outcome is unknown, or that were overwritten elsewhere.
 */
export async function readHeldState(storage: Storage): Promise<HeldState> {
  const { snapshot, entries, hardState } = await storage.load();
  const stateMachine = new KvStateMachine();
  if (snapshot !== undefined) await restoreLatest(storage, stateMachine, snapshot);
  let { lastIncludedIndex: index, lastIncludedTerm: term } = snapshot ?? { lastIncludedIndex: 0, lastIncludedTerm: 0 };
  for (const entry of entries) {
    // Some are kept for members that lag, though the snapshot covers them.
    if (entry.index <= index) continue;
    if (entry.kind === 'command') stateMachine.apply(entry);
    ({ index, term } = entry);
  }
  if (index === 0) throw new RaftkvError('unsupported', 'this member has not been told anything of the room yet');
  return { stateMachine, index, term: Math.max(term, hardState?.term ?? 0) };
}
