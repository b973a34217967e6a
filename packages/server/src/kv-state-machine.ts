// Binds the key-value store to the replica's StateMachine contract: entry bytes → command → store, and the store's snapshot
// chunks back. The store itself is swapped when a snapshot is installed, so nobody else may keep a reference to it.
import type { CommandEnvelope, CommandResult, StoreOptions } from '@raftkv/kv';
import { Store, StoreRestore } from '@raftkv/kv';
import type { Entry } from '@raftkv/raft';
import type { StateMachine, StateMachineRestore, StateMachineSnapshot } from '@raftkv/replica';
import { RaftkvError, decodeCommand, formatLimits } from '@raftkv/wire';
import type { Limits } from '@raftkv/wire';

export interface KvStateMachineOptions {
  readonly store?: StoreOptions;
  /** What this member lets in. What is committed is applied whatever its size, as on every other member. */
  readonly limits?: Limits;
}

export class KvStateMachine implements StateMachine {
  readonly #options: KvStateMachineOptions;
  /** What this process decoded when it checked a command before proposing it: on the leader, applying need not decode again. */
  readonly #decoded = new WeakMap<Uint8Array, CommandEnvelope>();
  readonly #listeners = new Set<() => void>();
  #store: Store;

  constructor(options: KvStateMachineOptions = {}) {
    this.#options = options;
    this.#store = new Store(options.store);
  }

  /** The store as of now; ask again each time. */
  get store(): Store {
    return this.#store;
  }

  /** Checks bytes that are to be proposed. Throws RaftkvError if they are no command. */
  check(command: Uint8Array): CommandEnvelope {
    const { limits } = this.#options;
    const envelope = decodeCommand(command, limits === undefined ? {} : { limits });
    this.#decoded.set(command, envelope);
    return envelope;
  }

  /** Told after each run of applied entries. Answers the function that ends it. */
  onApplied(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply(entry: Entry): CommandResult {
    let envelope = this.#decoded.get(entry.data);
    if (envelope === undefined) {
      try {
        envelope = decodeCommand(ownBytes(entry.data), { limits: formatLimits });
      } catch (error) {
        // Members check before they propose, so this takes a member of another version or a hostile one. Every replica
        // refuses the same bytes in the same way, and nothing changes.
        return { type: 'error', code: 'invalid_argument', message: RaftkvError.from(error).message };
      }
    }
    return this.#store.apply(entry.index, envelope);
  }

  afterApply(): void {
    for (const listener of this.#listeners) listener();
  }

  snapshot(): StateMachineSnapshot {
    return this.#store.snapshot();
  }

  restore(): StateMachineRestore {
    const restore = new StoreRestore(this.#options.store);
    let restored: Store | undefined;
    return {
      write: (chunk) => restore.write(chunk),
      verify: () => {
        restored = restore.finish();
      },
      install: () => {
        if (restored === undefined) throw new Error('a snapshot is installed only after it was verified');
        this.#store = restored;
      },
    };
  }
}

/** Values live on in the store: what is but a part of the frame that it came in is copied, so as not to keep all of that alive. */
function ownBytes(data: Uint8Array): Uint8Array {
  return data.length * 2 > data.buffer.byteLength ? data : data.slice();
}
