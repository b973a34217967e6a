// How a member goes on alone when the majority of its room is lost: from its storage to that of a room of one, of the next epoch, which begins with all that the log
// of this member holds. When that may be done is for `room.ts`, and what becomes of the member that was for `room-seat.ts`.
import { restoreLatest } from '@raftkv/replica';
import type { Clock } from '@raftkv/replica';
import { KvStateMachine } from '@raftkv/server';
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import { forkHome } from './room-home.ts';
import type { RoomHome, TabSelf } from './room-home.ts';
import { drawWord } from './room-link.ts';
import { nextLineage, writeRoomNote } from './room-note.ts';
import type { AgreedEntry } from './room-note.ts';
import type { RoomSlot, RoomSlots } from './room-platform.ts';
import type { RoomStatus } from './room-status.ts';

/** What a room of one begins with. */
export interface HeldState {
  readonly stateMachine: KvStateMachine;
  /** Of the last entry that is part of it. */
  readonly index: number;
  /** The newest one that its member has seen. */
  readonly term: number;
  /** The last entry that this member knows to be agreed. What comes after it may be of nobody else. */
  readonly agreed: AgreedEntry;
}

export interface GoingOn {
  readonly slots: RoomSlots;
  readonly self: TabSelf;
  /** Of the cluster that was. */
  readonly clusterId: string;
  /** Of the member that was, which has ended: its storage is closed. */
  readonly former: RoomHome;
  /** Up to here the entries of its log were known to be agreed; its storage may have heard of fewer. Default 0. */
  readonly agreedIndex?: number;
  readonly clock: Pick<Clock, 'schedule'>;
}

/** For so long no other tab of this browser goes on from the same cluster. */
const claimMilliseconds = 60_000;

/** Why this tab may not go on now, if it may not. `isLessEnough`: though another one that is here may know more. */
export function refusalToGoOn(
  { clusterId, quorum, supersededBy, self }: RoomStatus,
  { isMember, isLessEnough }: { readonly isMember: boolean; readonly isLessEnough: boolean },
): RaftkvError | undefined {
  const refusal = (message: string): RaftkvError => new RaftkvError('invalid_argument', message);
  if (quorum.state === 'works' || quorum.state === 'electing') {
    return refusal(`the room works, or is about to: ${quorum.words}`);
  }
  if (supersededBy !== undefined) return refusal('the room went on already, and who went on is there: join anew');
  if (!isMember || clusterId === undefined) {
    const what = 'this tab is no member of the room, and holds a copy alone: go on from a tab that is one';
    return new RaftkvError('unsupported', what);
  }
  const { knowsMost } = quorum;
  if (isLessEnough || knowsMost === undefined || knowsMost === self.word) return undefined;
  return refusal(`the tab ${knowsMost} may know more than this one: go on from there`);
}

/** A room of one, and the storage of the member that was left for it: open, and to be forgotten once that room is open, too. */
export interface GoneOn {
  readonly home: RoomHome;
  readonly leftBehind: RoomSlot;
}

/** Rejects with `storage_*`: then nothing has changed, and the former member can be revived. */
export function goOnHome({ clock, ...parts }: GoingOn): Promise<GoneOn> {
  const { slots, clusterId } = parts;
  return slots.alone(async () => {
    const release = await slots.claim(`from ${clusterId}`);
    if (release === undefined) throw new RaftkvError('busy', 'another tab of this browser has just gone on from here');
    try {
      const gone = await leaveBehind(parts);
      // By then the tabs that are there know each other.
      clock.schedule(release, claimMilliseconds);
      return gone;
    } catch (error) {
      release();
      throw error;
    }
  });
}

/**
 * Each step is durable before the next one. The former member is noted to be left for this room before that is there, so that it is never a member beside it: whoever
 * finds that note with the room, or after that was done, forgets the member; and who finds it where there is no such room goes on being the member.
 */
async function leaveBehind({ slots, self, clusterId, former, agreedIndex }: Omit<GoingOn, 'clock'>): Promise<GoneOn> {
  const { note } = former;
  const leftBehind = await former.slot.reopen();
  const { storage } = leftBehind;
  const token = drawWord();
  let home: RoomHome;
  try {
    const state = await readHeldState(storage, agreedIndex);
    const lineage = nextLineage(clusterId, note.lineage, state.agreed);
    await writeRoomNote(storage, { ...note, goesOn: { token, isDone: false } });
    home = await forkHome(slots, self, { ...state, lineage, token });
  } catch (error) {
    await writeRoomNote(storage, note).catch(() => undefined);
    await storage.close().catch(() => undefined);
    throw error;
  }
  // The room is there, and counts. Where this fails nobody knows whether it is noted, so the room is not taken back: who finds the first note beside it forgets the member too.
  await writeRoomNote(storage, { ...note, goesOn: { token, isDone: true } }).catch(() => undefined);
  return { home, leftBehind };
}

/**
 * The snapshot and every entry of the log after it, in their order, whether or not they are known to be committed. Whatever was acknowledged is in the logs of a majority,
 * but who has it need not have heard that yet, and after a restart knows of few entries that they are: so an end of the log that nobody vouches for is kept. What
 * of it was never agreed to becomes so: that may only be writes whose callers were told that their outcome is unknown, or that were overwritten elsewhere.
 */
export async function readHeldState(storage: Storage, agreedIndex = 0): Promise<HeldState> {
  const { snapshot, entries, hardState } = await storage.load();
  const stateMachine = new KvStateMachine();
  if (snapshot !== undefined) await restoreLatest(storage, stateMachine, snapshot);
  let { lastIncludedIndex: index, lastIncludedTerm: term } = snapshot ?? { lastIncludedIndex: 0, lastIncludedTerm: 0 };
  const { store } = stateMachine;
  let agreed: AgreedEntry = { index, term, revision: store.revision };
  const isAgreedUntil = Math.max(agreedIndex, hardState?.commitIndex ?? 0);
  for (const entry of entries) {
    // Some are kept for members that lag, though the snapshot covers them.
    if (entry.index <= index) continue;
    if (entry.kind === 'command') stateMachine.apply(entry);
    ({ index, term } = entry);
    if (index <= isAgreedUntil) agreed = { index, term, revision: store.revision };
  }
  if (index === 0) throw new RaftkvError('unsupported', 'this member has not been told anything of the room yet');
  return { stateMachine, index, term: Math.max(term, hardState?.term ?? 0), agreed };
}
