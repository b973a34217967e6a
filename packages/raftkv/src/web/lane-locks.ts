// Which tab of an origin has which lane of kept writes: a Web Lock for each, which the browser frees however a tab goes, and a channel on which tabs tell each
// other of theirs. A tab notes its own so that it finds it again after a reload.
import type { LaneLocks } from '@raftkv/observer/outbox';

export class TabLaneLocks implements LaneLocks {
  readonly former: string | undefined;
  readonly #place: string;
  readonly #locks: LockManager;
  readonly #channel: BroadcastChannel;

  constructor(name: string, locks: LockManager) {
    this.#place = `raftkv/${name}/outbox`;
    this.#locks = locks;
    this.#channel = new BroadcastChannel(this.#place);
    this.former = noted(this.#place);
  }

  take(
    lane: string,
    { ifFree = false, signal }: { readonly ifFree?: boolean; readonly signal?: AbortSignal },
  ): Promise<(() => void) | undefined> {
    const how: LockOptions = ifFree ? { ifAvailable: true } : signal === undefined ? {} : { signal };
    return new Promise((resolve, reject) => {
      this.#locks
        .request(`${this.#place}/${lane}`, how, (lock) => {
          if (lock === null) return resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        })
        .catch(reject);
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

  listen(onLane: (lane: string) => void): void {
    this.#channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') onLane(data);
    });
  }

  close(): void {
    this.#channel.close();
  }
}

function noted(place: string): string | undefined {
  try {
    return sessionStorage.getItem(place) ?? undefined;
  } catch {
    return undefined;
  }
}
