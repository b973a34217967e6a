// When a room tells of itself: soon, once for many changes of one turn, and the other tabs only where something changed that they are to know. What there is to tell is for
// `room.ts`.
import type { Clock } from '@raftkv/replica';

export interface RoomTellingOptions {
  readonly clock: Pick<Clock, 'defer'>;
  readonly tellOthers: () => void;
  /** To the app. */
  readonly show: () => void;
}

export class RoomTelling {
  readonly #options: RoomTellingOptions;
  #isChanged = false;
  #isToTell = false;

  constructor(options: RoomTellingOptions) {
    this.#options = options;
  }

  changed({ isToTell = false } = {}): void {
    this.#isToTell ||= isToTell;
    if (this.#isChanged) return;
    this.#isChanged = true;
    const { clock, tellOthers, show } = this.#options;
    clock.defer(() => {
      this.#isChanged = false;
      if (this.#isToTell) tellOthers();
      this.#isToTell = false;
      show();
    });
  }
}
