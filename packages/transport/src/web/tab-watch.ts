// Finds out that another tab of the origin is gone, however it went. Where there are Web Locks the browser says so: each tab holds one of its own for as long
// as it lives, and whoever gets it knows. Elsewhere tabs ping each other, counting intervals, so that a tab that was suspended blames nobody.
import type { TransportClock } from '../clock.ts';

/** What is used of `navigator.locks`. */
export interface TabLocks {
  request(
    name: string,
    options: { readonly mode: 'exclusive' | 'shared'; readonly signal: AbortSignal },
    callback: () => Promise<void> | void,
  ): Promise<unknown>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

export interface TabWatchOptions {
  readonly room: string;
  readonly selfId: string;
  /** Undefined: there are none here. */
  readonly locks: TabLocks | undefined;
  readonly clock: TransportClock;
  readonly pingMilliseconds: number;
  readonly maxSilentPings: number;
  readonly ping: (peerId: string, tab: string) => void;
}

/** Another tab: the name that it goes by, and its own. */
interface Watched {
  readonly peerId: string;
  readonly tab: string;
  readonly onGone: () => void;
  silentPings: number;
}

export class TabWatch {
  /** Of this tab. */
  readonly tab = crypto.randomUUID();
  /** The others can see that this tab is there. Until then nothing is said. */
  readonly ready: Promise<void>;
  readonly #options: TabWatchOptions;
  readonly #life = new AbortController();
  /** Without locks. */
  readonly #watched = new Set<Watched>();
  #endLife: () => void = () => undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: TabWatchOptions) {
    this.#options = options;
    const life = new Promise<void>((resolve) => (this.#endLife = resolve));
    this.ready = new Promise((resolve) => {
      if (options.locks === undefined) return resolve();
      const name = lockName(options.room, options.selfId, this.tab);
      const asked = { mode: 'exclusive', signal: this.#life.signal } as const;
      const held = (): Promise<void> => {
        resolve();
        return life;
      };
      options.locks.request(name, asked, held).catch(() => resolve());
    });
    if (options.locks === undefined) this.#pingLater();
  }

  /** Whether a tab goes by this name; true where nobody can say. */
  async isThere(peerId: string): Promise<boolean> {
    const { locks, room } = this.#options;
    if (locks === undefined) return true;
    const start = lockName(room, peerId, '');
    const { held } = await locks.query().catch(() => ({ held: undefined }));
    return held === undefined || held.some(({ name = '' }) => name.startsWith(start));
  }

  /** Tells once that it is gone. Answers how to stop. */
  watch(peerId: string, tab: string, onGone: () => void): () => void {
    const { locks, room } = this.#options;
    if (locks === undefined) {
      const watched = { peerId, tab, onGone, silentPings: 0 };
      this.#watched.add(watched);
      return () => this.#watched.delete(watched);
    }
    const stop = new AbortController();
    const asked = { mode: 'shared', signal: stop.signal } as const;
    // Rejects when it is given up, and where this document is gone itself.
    locks.request(lockName(room, peerId, tab), asked, () => onGone()).catch(() => undefined);
    return () => stop.abort();
  }

  noteAlive(tab: string): void {
    for (const watched of this.#watched) if (watched.tab === tab) watched.silentPings = 0;
  }

  close(): void {
    this.#life.abort();
    this.#endLife();
    this.#cancelTimer();
  }

  #pingLater(): void {
    const { clock, pingMilliseconds, maxSilentPings, ping } = this.#options;
    this.#cancelTimer = clock.schedule(() => {
      for (const watched of [...this.#watched]) {
        watched.silentPings += 1;
        if (watched.silentPings <= maxSilentPings) ping(watched.peerId, watched.tab);
        else if (this.#watched.delete(watched)) watched.onGone();
      }
      this.#pingLater();
    }, pingMilliseconds);
  }
}

/** Begins alike for all tabs under one name. */
function lockName(room: string, peerId: string, tab: string): string {
  return `raftkv door ${JSON.stringify([room, peerId])} ${tab}`;
}
