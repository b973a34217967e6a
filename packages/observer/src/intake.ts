// What comes from a feed on its way into the copy: inflated where it was deflated, in order, and with pauses for the page. What belongs to an
// earlier attachment, or came before everything is begun again, is void.
import type { FeedMessage } from '@raftkv/client/parts';
import { RaftkvError, defaultLimits } from '@raftkv/wire';
import type { Inflate } from './inflate.ts';
import { breathe } from './breathe.ts';
import type { CopyClock } from './breathe.ts';

/** After so much work in one go the page gets its turn: half a frame. */
const sliceMilliseconds = 8;

export interface IntakeHandlers {
  readonly take: (message: FeedMessage, payload: Uint8Array) => void;
  /** A message could not be inflated, or taken. */
  readonly onFailed: (error: RaftkvError) => void;
}

export class Intake {
  readonly #inflate: Inflate;
  readonly #clock: CopyClock;
  readonly #handlers: IntakeHandlers;
  #queue: FeedMessage[] = [];
  #isWorking = false;
  #attachment = 0;

  constructor(inflate: Inflate, clock: CopyClock, handlers: IntakeHandlers) {
    this.#clock = clock;
    this.#inflate = inflate;
    this.#handlers = handlers;
  }

  /** Another one after each `reset`. */
  get attachment(): number {
    return this.#attachment;
  }

  /** What came so far and was not taken yet never will be. */
  reset(): void {
    this.#attachment += 1;
    this.#queue = [];
  }

  /** The server bounds what waits here: it sends no more than a window ahead of what was consumed. */
  receive(message: FeedMessage): void {
    // Nothing to wait for: the change is told in the turn in which it came.
    if (!this.#isWorking && !message.isDeflated) return this.#tryToTake(message, message.payload);
    this.#queue.push(message);
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    let since = this.#clock.now();
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      const attachment = this.#attachment;
      let { payload } = message;
      try {
        if (message.isDeflated) payload = await this.#inflate(payload, defaultLimits.maxFrameBytes);
      } catch (error) {
        if (attachment === this.#attachment) this.#handlers.onFailed(RaftkvError.from(error));
        continue;
      }
      if (attachment !== this.#attachment) continue;
      this.#tryToTake(message, payload);
      if (this.#clock.now() - since < sliceMilliseconds) continue;
      await breathe(this.#clock);
      since = this.#clock.now();
    }
    this.#isWorking = false;
  }

  #tryToTake(message: FeedMessage, payload: Uint8Array): void {
    try {
      this.#handlers.take(message, payload);
    } catch (error) {
      this.#handlers.onFailed(RaftkvError.from(error));
    }
  }
}
