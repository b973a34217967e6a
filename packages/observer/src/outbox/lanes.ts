// Which lanes are this tab's: one of its own while it has something to keep, and those of tabs that are gone, for which it stands in a queue with the other
// tabs. What is found in one is handed on; where nothing is left in it the lane goes.
import { RaftkvError } from '@raftkv/wire';
import type { FoundWrite, OutboxStorage } from '@raftkv/storage';
import { Lane } from './lane.ts';
import type { KeeperOptions } from './options.ts';

/** A lane that is empty stays this long: the next write need not make another. */
const idleMilliseconds = 30_000;
/** So long the page that was just left may have its lane. */
const unloadMilliseconds = 500;
/** So long the others leave it to a page that may be about to come back: a reload is no reason to hand its writes to another tab. */
const reloadMilliseconds = 2_000;

export interface LanesHooks {
  /** Of lanes that come together, by the time at which the writes were made. */
  readonly onFound: (lane: Lane, found: FoundWrite) => void;
  /** A lane cannot be read; it stays as it is. */
  readonly onUnreadable: (error: RaftkvError) => void;
  /** The storage refuses something for now, or works again. */
  readonly onTrouble: (error: RaftkvError | undefined) => void;
  /** A lane was deleted from outside. */
  readonly onGone: (lane: Lane, error: RaftkvError) => void;
  /** This tab has had nothing to keep for a while. */
  readonly onIdle: () => void;
  /** Whether there is nothing in it, nor on its way into it. */
  readonly isEmpty: (lane: Lane) => boolean;
}

interface Held {
  readonly lane: Lane;
  readonly release: () => void;
}

export class Lanes {
  readonly #options: KeeperOptions;
  readonly #hooks: LanesHooks;
  #storage: OutboxStorage;
  readonly #held = new Map<Lane, Held>();
  /** Of other tabs, by name. */
  readonly #awaited = new Map<string, Promise<void>>();
  #own: Promise<Lane> | undefined;
  #ownLane: Lane | undefined;
  #patience = new AbortController();
  #cancelIdle: (() => void) | undefined;
  #forgetPage: (() => void) | undefined;
  #isClosed = false;

  constructor(options: KeeperOptions, storage: OutboxStorage, hooks: LanesHooks) {
    this.#options = options;
    this.#storage = storage;
    this.#hooks = hooks;
  }

  get mode(): OutboxStorage['mode'] {
    return this.#storage.mode;
  }

  /** Takes what is free, waits a moment for what this tab had before it was reloaded, and stands in line for the rest. */
  async open(): Promise<void> {
    const { locks } = this.#options;
    if (this.mode === 'memory' || locks === undefined) return;
    locks.listen((name) => this.#await(name));
    this.#forgetPage = this.#options.watchPage?.({
      onSuspend: () => this.#suspend(),
      onResume: () => void this.#resume().catch((error: unknown) => this.#hooks.onUnreadable(RaftkvError.from(error))),
    });
    await this.#takeFree();
    const former = locks.former === undefined ? undefined : this.#awaited.get(locks.former);
    if (former !== undefined) await Promise.race([former, this.#pause(unloadMilliseconds)]);
  }

  /** That of this tab, which is made when there is something to keep. */
  own(): Promise<Lane> {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#own ??= this.#make().catch((error: unknown) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  /** Nothing is in it at the moment. */
  emptied(lane: Lane): void {
    if (lane !== this.#ownLane) return void this.#drop(lane);
    this.#cancelIdle?.();
    this.#cancelIdle = this.#options.clock.schedule(() => {
      if (!this.#hooks.isEmpty(lane)) return;
      void this.#dropOwn(lane);
      this.#hooks.onIdle();
    }, idleMilliseconds);
  }

  /** What is written from now on is in this page alone. */
  useMemory(): void {
    if (this.mode === 'memory') return;
    this.#storage = this.#options.fallback;
    this.#own = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#patience.abort();
    this.#cancelIdle?.();
    this.#forgetPage?.();
    await Promise.all(
      [...this.#held.values()].map(async ({ lane, release }) => {
        if (this.#hooks.isEmpty(lane)) await lane.drop();
        await lane.close();
        release();
      }),
    );
    this.#options.locks?.close();
    this.#storage.close();
  }

  async #make(): Promise<Lane> {
    const name = [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(36)).join('-');
    const locks = this.mode === 'memory' ? undefined : this.#options.locks;
    // First the lock, then the lane: whoever sees a lane that nobody has takes it.
    const release = (await locks?.take(name, {})) ?? ((): void => {});
    const lane = await this.#hold(name, release);
    this.#ownLane = lane;
    locks?.announce(name);
    return lane;
  }

  async #hold(name: string, release: () => void): Promise<Lane> {
    try {
      const storage = await this.#storage.take(name);
      const lane: Lane = new Lane(name, storage, {
        clock: this.#options.clock,
        onTrouble: (error) => this.#hooks.onTrouble(error),
        onGone: (error) => {
          // The next write makes another.
          if (lane === this.#ownLane) void this.#dropOwn(lane);
          this.#hooks.onGone(lane, error);
        },
      });
      this.#held.set(lane, { lane, release });
      return lane;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #takeFree(): Promise<void> {
    const { locks } = this.#options;
    const names = await this.#storage.lanes();
    const all: { readonly lane: Lane; readonly found: FoundWrite; readonly at: number }[] = [];
    for (const name of names) {
      if (this.#awaited.has(name) || [...this.#held.keys()].some((lane) => lane.name === name)) continue;
      const release = await locks?.take(name, { ifFree: true });
      if (release === undefined) this.#await(name);
      else all.push(...inTime(await this.#takeLeft(name, release)));
    }
    all.sort((a, b) => a.at - b.at);
    for (const { lane, found } of all) this.#hooks.onFound(lane, found);
  }

  /** A lane of a tab that is gone. */
  async #takeLeft(name: string, release: () => void): Promise<{ readonly lane: Lane; readonly found: FoundWrite }[]> {
    try {
      const lane = await this.#hold(name, release);
      const { found } = lane;
      if (found.length === 0) await this.#drop(lane);
      return found.map((each) => ({ lane, found: each }));
    } catch (error) {
      // It stays where it is, for a version of this program that can read it.
      this.#hooks.onUnreadable(RaftkvError.from(error, 'storage_corrupt'));
      return [];
    }
  }

  /** Another tab has it: when that is gone it may be ours. */
  #await(name: string): void {
    if (this.#isClosed || this.#awaited.has(name)) return;
    const { signal } = this.#patience;
    const waiting = (async () => {
      try {
        const release = await this.#whenLeft(name, signal);
        if (release === undefined) return;
        if (signal.aborted) return release();
        const left = await this.#takeLeft(name, release);
        for (const { lane, found } of left) this.#hooks.onFound(lane, found);
      } catch {
        // The wait was called off.
      } finally {
        this.#awaited.delete(name);
      }
    })();
    this.#awaited.set(name, waiting);
  }

  /** Nobody has it, nor has anybody come for it in a while. */
  async #whenLeft(name: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    const { locks } = this.#options;
    if (locks === undefined) return undefined;
    for (;;) {
      (await locks.take(name, { signal }))?.();
      if (name !== locks.former) await this.#pause(reloadMilliseconds);
      if (signal.aborted) return undefined;
      const release = await locks.take(name, { ifFree: true });
      if (release !== undefined) return release;
    }
  }

  async #drop(lane: Lane): Promise<void> {
    const held = this.#held.get(lane);
    this.#held.delete(lane);
    await lane.drop();
    held?.release();
  }

  #dropOwn(lane: Lane): Promise<void> {
    this.#own = undefined;
    this.#ownLane = undefined;
    return this.#drop(lane);
  }

  /** A page that is put away must neither hold up others nor be kept from being put away by an empty lane. */
  #suspend(): void {
    this.#patience.abort();
    this.#patience = new AbortController();
    const own = this.#ownLane;
    if (own !== undefined && this.#hooks.isEmpty(own)) void this.#dropOwn(own);
  }

  async #resume(): Promise<void> {
    if (!this.#isClosed) await this.#takeFree();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.schedule(resolve, milliseconds));
  }
}

/** Each with a time that is no earlier than that of those before it in its lane: a clock that was put back does not turn the order of a tab's own writes around. */
function inTime<T extends { readonly found: FoundWrite }>(left: readonly T[]): (T & { readonly at: number })[] {
  let at = -Infinity;
  return left
    .toSorted((a, b) => a.found.number - b.found.number)
    .map((each) => ({ ...each, at: (at = Math.max(at, each.found.keptAt)) }));
}
