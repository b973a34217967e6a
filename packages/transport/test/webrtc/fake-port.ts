// Two joined data ports that misbehave on request: stalled, cut, not yet open, with messages that come late, twice or never. Unasked they are
// prompt and in order, and deliver in a later turn like real ones.
import type { DataPort } from '../../src/webrtc/index.ts';

type Event = { readonly data: unknown };

export class FakePort implements DataPort {
  binaryType = 'blob';
  readyState = 'open';
  bufferedAmount = 0;
  bufferedAmountLowThreshold: number | undefined = 0;
  /** Messages as they were sent. */
  readonly sent: Uint8Array<ArrayBuffer>[] = [];
  /** What becomes of a message on its way here: it may be delivered now, later, twice or never. */
  way: (message: Uint8Array, deliver: (message: Uint8Array) => void) => void = (message, deliver) => deliver(message);
  #other: FakePort = this;
  #isStalled = false;
  #held: (() => void)[] = [];
  readonly #listeners = new Map<string, ((event: Event) => void)[]>();

  static pair(): [FakePort, FakePort] {
    const [a, b] = [new FakePort(), new FakePort()];
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new Error('not open');
    this.sent.push(data);
    this.bufferedAmount += data.length;
    const other = this.#other;
    setImmediate(() => {
      const before = this.bufferedAmount;
      this.bufferedAmount -= data.length;
      const low = this.bufferedAmountLowThreshold;
      if (low !== undefined && before > low && this.bufferedAmount <= low) this.tell('bufferedamountlow');
      other.arrive(() => other.way(data, (message) => other.hear(message)));
    });
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    setImmediate(() => {
      this.tell('close');
      this.#other.arrive(() => this.#other.closeLikewise());
    });
  }

  /** What the other side says comes in this way. */
  arrive(event: () => void): void {
    if (this.#isStalled) this.#held.push(event);
    else event();
  }

  /** A message, whoever made it up. */
  hear(data: unknown): void {
    this.tell('message', { data: data instanceof Uint8Array ? data.slice().buffer : data });
  }

  closeLikewise(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.tell('close');
  }

  open(): void {
    this.readyState = 'open';
    this.tell('open');
  }

  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    this.#isStalled = false;
    const held = this.#held;
    this.#held = [];
    for (const event of held) event();
  }

  tell(type: string, event: Event = { data: undefined }): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
