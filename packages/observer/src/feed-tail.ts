// The last messages of a feed that a copy took in, for those who were fed by somebody else until now and are a little behind. Bounded; whoever is
// further behind needs a snapshot.
import type { FeedMessage } from '@raftkv/client/parts';
import { feedBytes } from '@raftkv/wire';

/** The oldest are dropped beyond this. */
const maxBytes = 2 * 1024 * 1024;

export class FeedTail {
  #messages: FeedMessage[] = [];
  #bytes = 0;
  /** The first message leads on from here. */
  #start = 0;
  #end = 0;

  /** Where the last message led to. */
  get end(): number {
    return this.#end;
  }

  /** `message` leads on from where the one before it led to. */
  push(message: FeedMessage): void {
    const { payload } = message;
    // A small part of a large frame must not keep all of it alive.
    const isSmallPart = payload.length * 2 < payload.buffer.byteLength;
    this.#messages.push(isSmallPart ? { ...message, payload: payload.slice() } : message);
    this.#bytes += feedBytes(message);
    this.#end = message.revision;
    if (this.#bytes > maxBytes) this.#dropOldest();
  }

  /** Nothing is kept, and what comes next leads on from `revision`. */
  clear(revision: number): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#start = revision;
    this.#end = revision;
  }

  /** The next message for a copy that has everything up to `revision`; it may overlap what that has. Undefined: there is none, or what it needs was dropped. */
  after(revision: number): FeedMessage | undefined {
    if (revision < this.#start) return undefined;
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#messages[middle]!.revision > revision) high = middle;
      else low = middle + 1;
    }
    return this.#messages[low];
  }

  /** A quarter at a time, since dropping each by itself would move all the others; never the newest, which somebody always needs. */
  #dropOldest(): void {
    let dropped = 0;
    for (; this.#bytes > maxBytes * 0.75 && dropped < this.#messages.length - 1; dropped += 1) {
      const message = this.#messages[dropped]!;
      this.#bytes -= feedBytes(message);
      this.#start = message.revision;
    }
    this.#messages.splice(0, dropped);
  }
}
