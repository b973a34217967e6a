// Which tab of an origin has which lane of kept writes: a Web Lock for each, which the browser frees however a tab goes, and a channel on which tabs tell each
// other of theirs, and that they run. A tab notes its own so that it finds it again after a reload.
import type { LaneEars, LaneLocks, TakeOptions } from '@raftkv/observer/outbox';

/** A word is the name of a lane that is announced, as earlier builds know it, or one of these. */
interface Word {
  readonly type: 'ask' | 'alive';
  readonly lane: string;
}

export class TabLaneLocks implements LaneLocks {
  readonly former: string | undefined;
  readonly #place: string;
  readonly #locks: LockManager;
  readonly #channel: BroadcastChannel;
  /** By lane, for each time that it is taken another. */
  readonly #held = new Map<string, object>();
  #isClosed = false;

  constructor(name: string, locks: LockManager) {
    this.#place = `raftkv/${name}/outbox`;
    this.#locks = locks;
    this.#channel = new BroadcastChannel(this.#place);
    this.former = noted(this.#place);
  }

  take(lane: string, { ifFree = false, isRobbery = false, signal, onLost }: TakeOptions) {
    const how: LockOptions = isRobbery
      ? { steal: true }
      : ifFree
        ? { ifAvailable: true }
        : signal === undefined
          ? {}
          : { signal };
    const hold = {};
    const end = (): boolean => this.#held.get(lane) === hold && this.#held.delete(lane);
    return new Promise<(() => void) | undefined>((resolve, reject) => {
      this.#locks
        .request(`${this.#place}/${lane}`, how, (lock) => {
          if (lock === null) return resolve(undefined);
          this.#held.set(lane, hold);
          // Those that wait for it have asked one that is gone. Whoever gives it back at once does not mean to have it.
          if (onLost !== undefined) this.#say({ type: 'alive', lane });
          return new Promise<void>((release) => {
            resolve(() => {
              end();
              release();
            });
          });
        })
        .catch((error: unknown) => {
          if (end()) onLost?.();
          else reject(error);
        });
    });
  }

  announce(lane: string): void {
    this.#channel.postMessage(lane);
    try {
      sessionStorage.setItem(this.#place, lane);
    } catch {
      // A page that may keep nothing waits for the lock like any other.
    }
  }

  ask(lane: string): void {
    this.#say({ type: 'ask', lane });
  }

  listen({ onLane, onAlive }: LaneEars): void {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') return onLane(data);
      if (!isWord(data)) return;
      if (data.type === 'alive') onAlive(data.lane);
      else if (this.#held.has(data.lane)) this.#say({ type: 'alive', lane: data.lane });
    });
  }

  #say(word: Word): void {
    if (!this.#isClosed) this.#channel.postMessage(word);
  }

  close(): void {
    this.#isClosed = true;
    this.#channel.close();
  }
}

/** Anything of this origin may speak here. */
function isWord(data: unknown): data is Word {
  if (typeof data !== 'object' || data === null) return false;
  const { type, lane } = data as { readonly type?: unknown; readonly lane?: unknown };
  return (type === 'ask' || type === 'alive') && typeof lane === 'string';
}

function noted(place: string): string | undefined {
  try {
    return sessionStorage.getItem(place) ?? undefined;
  } catch {
    return undefined;
  }
}
