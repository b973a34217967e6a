// One watch of one connection: a cursor that is pulled, with a window of bytes that the client has not yet consumed. It holds no events; a
// client that does not keep up makes its cursor fall behind, and is told `compacted` when that leaves the retained window.
import type { Change } from '@raftkv/kv';
import { changeBytes } from '@raftkv/wire';
import type { WatchEvents, WatchProgress, WatchRequest } from '@raftkv/wire';
import type { Watcher } from './node-api.ts';

/** Most bytes in one message, but for a single revision that is larger. */
const chunkBytes = 128 * 1024;

export class WatchSession {
  readonly id: number;
  readonly #watcher: Watcher;
  readonly #windowBytes: number;
  readonly #withPrevious: boolean;
  readonly #withProgress: boolean;
  #unconsumedBytes = 0;
  /** Nothing was left when it was last asked. */
  #isDrained = false;
  #lastToldRevision = 0;

  constructor(request: WatchRequest, watcher: Watcher, windowBytes: number) {
    this.id = request.id;
    this.#watcher = watcher;
    this.#windowBytes = windowBytes;
    this.#withPrevious = request.previous;
    this.#withProgress = request.progress;
  }

  /** Events come from this revision on. */
  get nextRevision(): number {
    return this.#watcher.position + 1;
  }

  get hasRoom(): boolean {
    return this.#unconsumedBytes < this.#windowBytes;
  }

  get unconsumedBytes(): number {
    return this.#unconsumedBytes;
  }

  consumed(bytes: number): void {
    this.#unconsumedBytes = Math.max(0, this.#unconsumedBytes - bytes);
  }

  /** The next events, or undefined if there are none or the window is full. Throws what the cursor throws: `compacted`. */
  take(): WatchEvents | undefined {
    if (!this.hasRoom) return undefined;
    const taken = this.#watcher.take(Math.min(chunkBytes, this.#windowBytes - this.#unconsumedBytes));
    this.#isDrained = taken === undefined;
    if (taken === undefined) return undefined;
    const changes = this.#withPrevious ? taken : taken.map(withoutPrevious);
    for (const change of changes) this.#unconsumedBytes += changeBytes(change);
    this.#lastToldRevision = taken.at(-1)!.revision;
    return { type: 'watchEvents', id: this.id, changes };
  }

  /**
   * T44: progress never overtakes events, so it is told only when the cursor had nothing left; nor the store, which a watch from a future
   * revision waits for. Undefined: nothing new to tell.
   */
  progress(newestRevision: number): WatchProgress | undefined {
    const revision = this.#watcher.position;
    if (!this.#withProgress || !this.#isDrained) return undefined;
    if (revision <= this.#lastToldRevision || revision > newestRevision) return undefined;
    this.#lastToldRevision = revision;
    return { type: 'watchProgress', id: this.id, revision };
  }

  close(): void {
    this.#watcher.close();
  }
}

function withoutPrevious(change: Change): Change {
  if (change.events.every((event) => event.previous === undefined)) return change;
  return { revision: change.revision, events: change.events.map((event) => ({ ...event, previous: undefined })) };
}
