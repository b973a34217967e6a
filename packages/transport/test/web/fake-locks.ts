// Web Locks as a browser has them, as far as doors use them: for Node 20, which has none. In a browser: `test/browser/doors.test.ts`.
import type { TabLocks } from '../../src/web/index.ts';

interface Request {
  readonly mode: 'exclusive' | 'shared';
  readonly grant: () => void;
}

export class FakeLocks implements TabLocks {
  readonly #held = new Map<string, Request[]>();
  readonly #waiting = new Map<string, Request[]>();

  request(...[name, { mode, signal }, callback]: Parameters<TabLocks['request']>): Promise<void> {
    return new Promise((resolve, reject) => {
      const request: Request = {
        mode,
        grant: () => {
          listOf(this.#held, name).push(request);
          queueMicrotask(async () => {
            await callback();
            remove(this.#held, name, request);
            this.#look(name);
            resolve();
          });
        },
      };
      signal.addEventListener('abort', () => {
        if (!listOf(this.#waiting, name).includes(request)) return;
        remove(this.#waiting, name, request);
        reject(new Error('given up'));
        this.#look(name);
      });
      listOf(this.#waiting, name).push(request);
      this.#look(name);
    });
  }

  async query(): Promise<{ held: { name: string }[] }> {
    return { held: [...this.#held].flatMap(([name, held]) => held.map(() => ({ name }))) };
  }

  /** The tab that holds it is gone. */
  free(part: string): void {
    for (const name of this.#held.keys()) {
      if (!name.includes(part)) continue;
      this.#held.set(name, []);
      this.#look(name);
    }
  }

  #look(name: string): void {
    for (;;) {
      const next = listOf(this.#waiting, name)[0];
      const held = listOf(this.#held, name);
      if (next === undefined || (held.length > 0 && [next, ...held].some(({ mode }) => mode === 'exclusive'))) return;
      remove(this.#waiting, name, next);
      next.grant();
    }
  }
}

function listOf(lists: Map<string, Request[]>, name: string): Request[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

function remove(lists: Map<string, Request[]>, name: string, request: Request): void {
  lists.set(
    name,
    listOf(lists, name).filter((other) => other !== request),
  );
}
