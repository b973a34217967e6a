// Virtual time: events in the order of their times, and nothing else moves the clock. An event belongs to a process, or to the world: what a
// dead process waited for never comes, what a paused one waits for comes when it goes on. Who runs the loop drains microtasks after each event.

/** A process of the simulated world, as far as its events are concerned. */
export interface Party {
  readonly isAlive: boolean;
  /** Until then its events are held back. */
  readonly pausedUntil: number;
}

interface Event {
  time: number;
  /** Of one time the lower ranks first: after a pause timers fire before sockets are read. */
  rank: number;
  order: number;
  readonly party: Party | undefined;
  readonly isTimer: boolean;
  run: (() => void) | undefined;
}

export class Scheduler {
  /** Milliseconds since the world began. */
  now = 0;
  /** Events that happened. */
  count = 0;
  /** Whose event happened last. */
  party: Party | undefined;
  readonly #heap: Event[] = [];
  #order = 0;

  /** `party` undefined: it happens to the world. Answers a function that cancels it. */
  at(time: number, party: Party | undefined, run: () => void, isTimer = false): () => void {
    const event: Event = { time: Math.max(time, this.now), rank: 1, order: this.#order++, party, isTimer, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  after(delay: number, party: Party | undefined, run: () => void): () => void {
    return this.at(this.now + delay, party, run);
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  /** Lets the next event happen; false when there is none. */
  step(): boolean {
    while (this.#heap.length > 0) {
      const event = this.#pop();
      const { party, run } = event;
      if (run === undefined || party?.isAlive === false) continue;
      if (party !== undefined && party.pausedUntil > event.time) {
        event.time = party.pausedUntil;
        event.rank = event.isTimer ? 0 : 1;
        event.order = this.#order++;
        this.#push(event);
        continue;
      }
      this.now = event.time;
      this.count++;
      this.party = party;
      run();
      return true;
    }
    return false;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    const count = heap.length;
    if (count === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.order < b.order;
}
