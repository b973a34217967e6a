// The locks of lanes over locks that are played, as a browser has them: who takes a lane says so to those that wait for it, and what was taken from a tab and came
// back to it is its own, whatever still ends of the first time.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TabLaneLocks } from '../../src/web/lane-locks.ts';

type Callback = (lock: object | null) => unknown;

/** One lock of each name, first come first served. */
class PlayedLocks {
  readonly #holders = new Map<string, { readonly lose: () => void }>();
  readonly #queues = new Map<string, (() => void)[]>();

  request(name: string, { steal = false, ifAvailable = false }: LockOptions, callback: Callback): Promise<unknown> {
    const holder = this.#holders.get(name);
    if (holder !== undefined && ifAvailable) return Promise.resolve(callback(null));
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        const mine = { lose: () => reject(new DOMException('stolen', 'AbortError')) };
        this.#holders.set(name, mine);
        void Promise.resolve(callback({})).then((result) => {
          resolve(result);
          if (this.#holders.get(name) !== mine) return;
          this.#holders.delete(name);
          this.#queues.get(name)?.shift()?.();
        });
      };
      if (holder === undefined) begin();
      else if (steal) {
        holder.lose();
        begin();
      } else this.#queues.set(name, [...(this.#queues.get(name) ?? []), begin]);
    });
  }
}

/** Of the channel what was said on it. */
const said: unknown[] = [];

beforeEach(() => {
  said.length = 0;
  class PlayedChannel extends EventTarget {
    postMessage(word: unknown): void {
      said.push(word);
    }
    close(): void {}
  }
  vi.stubGlobal('BroadcastChannel', PlayedChannel);
});
afterEach(() => vi.unstubAllGlobals());

it('answers for a lane that was taken from this tab and came back, when the first time ends after that', async () => {
  const manager = new PlayedLocks() as unknown as LockManager;
  const [mine, other] = [new TabLaneLocks('a', manager), new TabLaneLocks('a', manager)];
  let losses = 0;
  const onLost = (): void => void (losses += 1);
  const first = await mine.take('lane', { onLost });
  const stolen = await other.take('lane', { isRobbery: true, onLost: () => {} });
  await vi.waitFor(() => expect(losses).toBe(1));
  const again = mine.take('lane', { onLost });
  stolen!();
  await again;
  first!();
  await other.take('lane', { isRobbery: true, onLost: () => {} });
  await vi.waitFor(() => expect(losses).toBe(2));
});

it('says that a lane is held now, if it is to stay so', async () => {
  const manager = new PlayedLocks() as unknown as LockManager;
  const locks = new TabLaneLocks('a', manager);
  (await locks.take('lane', {}))!();
  expect(said).toEqual([]);
  await locks.take('lane', { onLost: () => {} });
  expect(said).toEqual([{ type: 'alive', lane: 'lane' }]);
});
