// Which lanes are this tab's: one of its own while it has something to keep, and those of tabs that are gone. What is found in one is handed on; where nothing
// is left in it the lane goes. How another tab's is come by is for `succession.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { FoundWrite, OutboxStorage } from '@raftkv/storage';
import { Lane } from './lane.ts';
import type { KeeperOptions } from './options.ts';
import { Succession, drawLaneName } from './succession.ts';

/** A lane that is empty stays this long: the next write need not make another. */
const idleMilliseconds = 30_000;
/** So long the page that was just left may have its lane before this one opens without it, */
const unloadMilliseconds = 500;
/** and so long before this one sends what it has to say itself. */
const formerMilliseconds = 10_000;

export interface LanesHooks {
  /** Of lanes that come together, by the time at which the writes were made. `keptAt`: no earlier than that of those before it in its lane. */
  readonly onFound: (lane: Lane, found: FoundWrite) => void;
  /** A lane cannot be read; it stays as it is. */
  readonly onUnreadable: (error: RaftkvError) => void;
  /** The storage refuses something for now, or works again. */
  readonly onTrouble: (error: RaftkvError | undefined) => void;
  /** A lane was deleted from outside. */
  readonly onGone: (lane: Lane, error: RaftkvError) => void;
  /** Another tab has it now, and sends what is in it. */
  readonly onLost: (lane: Lane, error: RaftkvError) => void;
  /** This tab has had nothing to keep for a while. */
  readonly onIdle: () => void;
  /** Whether there is nothing in it, nor on its way into it. */
  readonly isEmpty: (lane: Lane) => boolean;
}

interface Left {
  readonly lane: Lane;
  readonly found: FoundWrite;
}

/** A lock from when it is asked for: it may be taken from this tab before the lane that it stands for is open. */
class Claim {
  isLost = false;
  lane: Lane | undefined;

  /** Another tab has taken the lock. The storage would say so at the next change, however late that is. */
  readonly lose = (): void => {
    this.isLost = true;
    this.lane?.lose();
  };
}

export class Lanes {
  readonly #options: KeeperOptions;
  readonly #hooks: LanesHooks;
  #storage: OutboxStorage;
  /** With what gives each back. */
  readonly #held = new Map<Lane, () => void>();
  /** Of other tabs, by name. */
  #awaited = new Map<string, { readonly succession: Succession; readonly over: Promise<void> }>();
  /** Lanes that are being opened: each is held, or given back, when that is over. */
  readonly #opening = new Set<Promise<unknown>>();
  #own: Promise<Lane> | undefined;
  #ownLane: Lane | undefined;
  #patience = new AbortController();
  #cancelIdle: (() => void) | undefined;
  #forgetPage: (() => void) | undefined;
  #isClosed = false;
  /** Resolves when this tab may send: what it wrote before it was reloaded was found, or is another's, or was waited for. */
  reunited: Promise<void> = Promise.resolve();
  #reunite: () => void = () => {};
  #cancelReunion: (() => void) | undefined;

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
    locks.listen({
      onLane: (name) => this.#await(name),
      onAlive: (name) => {
        this.#awaited.get(name)?.succession.heard();
        // It is the lane of a tab that this one was made after, as by duplicating it.
        if (name === locks.former) this.#reunite();
      },
    });
    this.#forgetPage = this.#options.watchPage?.({
      onSuspend: () => this.#suspend(),
      onResume: () => void this.#resume().catch((error: unknown) => this.#hooks.onUnreadable(RaftkvError.from(error))),
    });
    // Before anything is asked, so that no answer is missed.
    if (locks.former !== undefined) this.reunited = new Promise((resolve) => (this.#reunite = resolve));
    await this.#takeFree().catch((error: unknown) => {
      this.#reunite();
      throw error;
    });
    const former = locks.former === undefined ? undefined : this.#awaited.get(locks.former);
    if (former === undefined) return this.#reunite();
    void former.over.then(this.#reunite);
    this.#cancelReunion = this.#options.clock.schedule(this.#reunite, formerMilliseconds);
    await Promise.race([former.over, this.#pause(unloadMilliseconds)]);
  }

  /** That of this tab, which is made when there is something to keep. */
  own(): Promise<Lane> {
    if (this.#isClosed) return Promise.reject(new RaftkvError('closed', 'the replica was closed'));
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#own ??= this.#underWay(this.#make()).catch((error: unknown) => {
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
    this.#cancelReunion?.();
    this.#reunite();
    // What is being opened now would be held by nobody else until the page goes.
    await Promise.allSettled([...this.#opening]);
    await Promise.all(
      [...this.#held].map(async ([lane, release]) => {
        if (this.#hooks.isEmpty(lane)) await lane.drop();
        await lane.close();
        release();
      }),
    );
    this.#options.locks?.close();
    this.#storage.close();
  }

  async #make(): Promise<Lane> {
    const locks = this.mode === 'memory' ? undefined : this.#options.locks;
    for (;;) {
      const name = drawLaneName();
      const claim = new Claim();
      // First the lock, then the lane: whoever sees a lane that nobody has takes it.
      const release = (await locks?.take(name, { onLost: claim.lose })) ?? ((): void => {});
      const lane = await this.#hold(name, release, claim);
      // It was made and taken from this tab in one, as when that slept meanwhile: nothing is in it.
      if (lane === undefined) continue;
      this.#ownLane = lane;
      locks?.announce(name);
      return lane;
    }
  }

  #underWay<T>(opening: Promise<T>): Promise<T> {
    const over = opening.finally(() => this.#opening.delete(over));
    this.#opening.add(over);
    return over;
  }

  /** Gives it back if that comes to nothing. Undefined: another tab has taken it meanwhile. */
  async #hold(name: string, release: () => void, claim: Claim): Promise<Lane | undefined> {
    const storage = await this.#storage.take(name).catch((error: unknown) => {
      release();
      throw error;
    });
    // What this has written into the lane's head may have shut out the one that has the lock: it gives that back at its next change, to whoever stands in line.
    if (claim.isLost) return void release();
    const lane: Lane = new Lane(name, storage, {
      clock: this.#options.clock,
      onTrouble: (error) => this.#hooks.onTrouble(error),
      onGone: (error) => {
        // The next write makes another.
        if (lane === this.#ownLane) void this.#dropOwn(lane);
        this.#hooks.onGone(lane, error);
      },
      onLost: (error) => {
        void this.#leave(lane);
        this.#hooks.onLost(lane, error);
      },
    });
    claim.lane = lane;
    this.#held.set(lane, release);
    return lane;
  }

  async #takeFree(): Promise<void> {
    const { locks } = this.#options;
    const names = await this.#storage.lanes();
    const all: Left[] = [];
    for (const name of names) {
      if (this.#isClosed) return;
      if (this.#awaited.has(name) || [...this.#held.keys()].some((lane) => lane.name === name)) continue;
      const claim = new Claim();
      const release = await locks?.take(name, { ifFree: true, onLost: claim.lose });
      const left = release === undefined ? undefined : await this.#takeLeft(name, release, claim);
      if (left === undefined) this.#await(name);
      else all.push(...left);
    }
    all.sort((a, b) => a.found.keptAt - b.found.keptAt);
    this.#handOn(all);
  }

  /** A lane of a tab that is gone. Undefined: yet another has it by now. */
  async #takeLeft(name: string, release: () => void, claim: Claim): Promise<Left[] | undefined> {
    try {
      if (this.#isClosed) throw new RaftkvError('closed', 'the replica was closed');
      const lane = claim.isLost ? release() : await this.#underWay(this.#hold(name, release, claim));
      if (lane === undefined) return undefined;
      const { found } = lane;
      if (found.length === 0) await this.#drop(lane);
      return inTime(found).map((each) => ({ lane, found: each }));
    } catch (error) {
      release();
      // It stays where it is, for a version of this program that can read it.
      if (!this.#isClosed) this.#hooks.onUnreadable(RaftkvError.from(error, 'storage_corrupt'));
      return [];
    }
  }

  /** Once the replica is closed nobody asks, and what is in them is for whoever opens them next. */
  #handOn(all: readonly Left[]): void {
    if (!this.#isClosed) for (const { lane, found } of all) this.#hooks.onFound(lane, found);
  }

  /** Another tab has it: when that is gone it may be ours. */
  #await(name: string): void {
    const { locks, clock } = this.#options;
    if (this.#isClosed || locks === undefined || this.#awaited.has(name)) return;
    const { signal } = this.#patience;
    const awaited = this.#awaited;
    let claim = new Claim();
    const succession = new Succession(name, { locks, clock, signal, onLost: () => claim.lose() });
    const over = (async () => {
      try {
        for (let left: Left[] | undefined; left === undefined;) {
          claim = new Claim();
          const release = await succession.won();
          if (release === undefined) return;
          left = await this.#takeLeft(name, release, claim);
          if (left !== undefined) this.#handOn(left);
        }
      } catch {
        // The wait was called off.
      } finally {
        awaited.delete(name);
      }
    })();
    awaited.set(name, { succession, over });
  }

  async #drop(lane: Lane): Promise<void> {
    const release = this.#held.get(lane);
    this.#held.delete(lane);
    await lane.drop();
    release?.();
  }

  /** Another tab has it, and may go before it is empty. */
  async #leave(lane: Lane): Promise<void> {
    await (lane === this.#ownLane ? this.#dropOwn(lane) : this.#drop(lane));
    this.#await(lane.name);
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
    // Those waits end by and by; the page that comes back begins others.
    this.#awaited = new Map();
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
function inTime(left: readonly FoundWrite[]): FoundWrite[] {
  let at = -Infinity;
  return left
    .toSorted((a, b) => a.number - b.number)
    .map((each) => ({ ...each, keptAt: (at = Math.max(at, each.keptAt)) }));
}
