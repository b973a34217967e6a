// All that a running member holds: its store, and what its log has beyond that, known to be committed or not. Looked at when somebody asks what only this tab has; the
// member goes on meanwhile, and nothing of it is changed. What one holds that has ended is read by `room-going-on.ts`.
import type { Replica } from '@raftkv/replica';
import { entriesOf } from '@raftkv/replica/inspection';
import { KvStateMachine } from '@raftkv/server';
import type { AgreedEntry } from './room-note.ts';

export interface Held {
  readonly stateMachine: KvStateMachine;
  /** Up to here it is known to be agreed. */
  readonly agreedRevision: number;
  /** Whether this entry, which was agreed in its cluster, is in the log of the member: then it has the same up to there. */
  has(entry: Pick<AgreedEntry, 'index' | 'term'>): boolean;
}

/** A copy, as of this turn. */
export function holdNow(replica: Replica, stateMachine: KvStateMachine): Held {
  const held = new KvStateMachine();
  const restore = held.restore();
  const snapshot = stateMachine.snapshot();
  const chunks = snapshot.chunks();
  for (let next = chunks.next(); next.done !== true; next = chunks.next()) restore.write(next.value);
  snapshot.release();
  restore.verify();
  restore.install();
  const { appliedIndex, revision: agreedRevision } = stateMachine.store;
  const entries = [...entriesOf(replica)];
  for (const entry of entries) {
    if (entry.index > appliedIndex && entry.kind === 'command') held.apply(entry);
  }
  const has: Held['has'] = ({ index, term }) =>
    index <= appliedIndex || entries.some((entry) => entry.index === index && entry.term === term);
  return { stateMachine: held, agreedRevision, has };
}
