// Watches on one member: each is a cursor into the store's window of changes, not a queue, so a slow watcher costs no memory;
// when it falls out of the window it is told `compacted`. Whole revisions in order come from the store itself.
import type { Change, KeyRange } from '@raftkv/kv';
import { RaftkvError, changeBytes } from '@raftkv/wire';
import type { KvStateMachine } from './kv-state-machine.ts';
import type { Watcher } from './node-api.ts';

/** Revisions looked at in one call of the store, so that one watcher never holds up the loop. */
const revisionsPerStep = 256;

export class Watchers {
  readonly #stateMachine: KvStateMachine;
  readonly #watchers = new Set<{ readonly onReady: () => void }>();
  #lastRevision: number;

  constructor(stateMachine: KvStateMachine) {
    this.#stateMachine = stateMachine;
    this.#lastRevision = stateMachine.store.revision;
    stateMachine.onApplied(() => this.#notify());
  }

  get count(): number {
    return this.#watchers.size;
  }

  open(range: KeyRange, from: number, onReady: () => void): Watcher {
    const watchers = this.#watchers;
    const stateMachine = this.#stateMachine;
    const entry = { onReady };
    let next = from === 0 ? stateMachine.store.revision + 1 : from;
    watchers.add(entry);
    return {
      take: (maxBytes) => {
        const taken: Change[] = [];
        let bytes = 0;
        while (bytes < maxBytes && next <= stateMachine.store.revision) {
          const step = stateMachine.store.changes(next, { range, limit: revisionsPerStep });
          if ('type' in step) throw resultError(step);
          for (const change of step.changes) {
            taken.push(change);
            bytes += changeBytes(change);
            next = change.revision + 1;
            if (bytes >= maxBytes) break;
          }
          if (bytes < maxBytes) next = Math.max(next, step.nextRevision);
        }
        return taken.length > 0 ? taken : undefined;
      },
      get position() {
        return next - 1;
      },
      close: () => {
        watchers.delete(entry);
      },
    };
  }

  #notify(): void {
    const revision = this.#stateMachine.store.revision;
    if (revision === this.#lastRevision) return;
    this.#lastRevision = revision;
    for (const watcher of this.#watchers) watcher.onReady();
  }
}

/** A refusal of the store as the error that callers see. */
export function resultError(result: {
  readonly code: string;
  readonly message: string;
  readonly compactedRevision?: number;
}): RaftkvError {
  const code = result.code === 'compacted' || result.code === 'future_revision' ? result.code : 'invalid_argument';
  const { compactedRevision } = result;
  return new RaftkvError(code, result.message, compactedRevision === undefined ? {} : { compactedRevision });
}
