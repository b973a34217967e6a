// The words by which the tabs of one profile go: each is one tab's at a time, for as long as that is open, also while its storage is closed to be opened again. So of the
// storages that a profile keeps, those of a tab that is there are left alone. Claimed when a tab begins, by `room-beginning.ts`.
import type { RoomSlots } from './room-platform.ts';

export class RoomWords {
  readonly #slots: Pick<RoomSlots, 'claim'>;
  readonly #held = new Map<string, () => void>();

  constructor(slots: Pick<RoomSlots, 'claim'>) {
    this.#slots = slots;
  }

  /** False: another tab of this profile goes by it. */
  async take(word: string, { isPatient = false } = {}): Promise<boolean> {
    if (this.#held.has(word)) return true;
    const release = await this.#slots.claim(`word ${word}`, { isPatient });
    if (release !== undefined) this.#held.set(word, release);
    return release !== undefined;
  }

  /** Gives all back but this one. */
  keep(word: string | undefined): void {
    for (const [held, release] of this.#held) {
      if (held === word) continue;
      release();
      this.#held.delete(held);
    }
  }
}
