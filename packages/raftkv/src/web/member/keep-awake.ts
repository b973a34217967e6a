// A Web Lock that only says that this page is needed: browsers on desktops do not freeze a page that holds one. Held while the member votes and no longer,
// since it costs power. It keeps nobody out; that is for the storage's lock and fence.
import type { TabPage } from './page-life.ts';

export class KeepAwake {
  readonly #locks: TabPage['locks'];
  readonly #name = `raftkv awake ${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
  #release: (() => void) | undefined;

  constructor(locks: TabPage['locks']) {
    this.#locks = locks;
  }

  get isHeld(): boolean {
    return this.#release !== undefined;
  }

  set(isNeeded: boolean): void {
    if (isNeeded === this.isHeld || this.#locks === undefined) return;
    if (!isNeeded) {
      this.#release?.();
      this.#release = undefined;
      return;
    }
    const held = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    // Refused in a document that is about to go: then it is not needed any more.
    this.#locks.request(this.#name, () => held).catch(() => undefined);
  }
}
