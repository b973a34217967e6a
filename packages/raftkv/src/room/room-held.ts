// All that a running member holds: its store, and what its log has beyond that, known to be committed or not. Looked at when somebody asks what only this tab has; the
// member goes on meanwhile, and nothing of it is changed. What one holds that has ended is read by `room-going-on.ts`.
import type { Replica } from '@raftkv/replica';
import { entriesOf } from '@raftkv/replica/inspection';
import { KvStateMachine } from '@raftkv/server';

/** A copy, as of this turn. */
export function holdNow(replica: Replica, stateMachine: KvStateMachine): KvStateMachine {
  const held = new KvStateMachine();
  const restore = held.restore();
  const snapshot = stateMachine.snapshot();
  const chunks = snapshot.chunks();
  for (let next = chunks.next(); next.done !== true; next = chunks.next()) restore.write(next.value);
  snapshot.release();
  restore.verify();
  restore.install();
  const { appliedIndex } = stateMachine.store;
  for (const entry of entriesOf(replica)) {
    if (entry.index > appliedIndex && entry.kind === 'command') held.apply(entry);
  }
  return held;
}
