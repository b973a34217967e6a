// The check that runs beside a room: this tab's workload and what the other tabs of this browser tell of theirs, in one checker, counted live. Histories of
// other browsers are left out: their clocks cannot be compared.
import { Observable } from '../../model/observable.ts';
import type { HubMessage } from '../source/hub.ts';
import { RegisterChecker } from './register-checker.ts';
import type { CheckerCount, Violation } from './register-checker.ts';
import type { Operation } from './operation.ts';

export interface CheckView extends CheckerCount {
  /** Of this tab alone. */
  readonly own: number;
  readonly perSecond: number;
  readonly p50Milliseconds: number | undefined;
  readonly p99Milliseconds: number | undefined;
  readonly found: readonly Violation[];
  /** The newest first. */
  readonly lately: readonly Operation[];
}

interface OperationsMessage extends HubMessage {
  readonly type: 'operations';
  readonly browser: string;
  readonly operations: readonly Operation[];
}

const keptDurations = 400;
const shownOperations = 4;
/** Two tabs of one browser read one clock, with small errors: this much may be out of order between them. */
const skewMilliseconds = 10;
const tellMilliseconds = 250;

export class LiveCheck {
  readonly view: Observable<CheckView>;
  readonly #checker = new RegisterChecker();
  readonly #browser: string;
  readonly #durations: number[] = [];
  readonly #ends: number[] = [];
  #lately: readonly Operation[] = [];
  #own = 0;
  #untold: Operation[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopListening: (() => void) | undefined;

  constructor(browser: string) {
    this.#browser = browser;
    this.view = new Observable(this.#look());
  }

  start(hub: { say(message: HubMessage): void; listen(listener: (message: HubMessage) => void): () => void }): void {
    this.#stopListening = hub.listen((message) => this.#hear(message));
    this.#timer = setInterval(() => {
      if (this.#untold.length > 0) {
        const operations = this.#untold.splice(0);
        hub.say({
          type: 'operations',
          from: operations[0]!.client,
          browser: this.#browser,
          operations,
        } as OperationsMessage);
      }
      this.view.set(this.#look());
    }, tellMilliseconds);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopListening?.();
  }

  announce(value: string): void {
    this.#checker.announce(value);
  }

  add(operation: Operation): void {
    this.#own += 1;
    this.#untold.push(operation);
    this.#lately = [operation, ...this.#lately].slice(0, shownOperations);
    this.#ends.push(performance.now());
    this.#durations.push(operation.end - operation.call);
    if (this.#durations.length > keptDurations) this.#durations.shift();
    if (this.#checker.add(operation).length > 0) this.view.set(this.#look());
  }

  #hear(message: HubMessage): void {
    const { type, browser, operations } = message as OperationsMessage;
    if (type !== 'operations' || browser !== this.#browser) return;
    for (const operation of operations) {
      this.#checker.add({
        ...operation,
        call: operation.call - skewMilliseconds,
        end: operation.end + skewMilliseconds,
      });
    }
  }

  #look(): CheckView {
    const now = performance.now();
    while (this.#ends.length > 0 && this.#ends[0]! < now - 5_000) this.#ends.shift();
    const sorted = this.#durations.toSorted((a, b) => a - b);
    return {
      ...this.#checker.count,
      own: this.#own,
      perSecond: this.#ends.length / 5,
      p50Milliseconds: sorted[Math.floor(sorted.length * 0.5)],
      p99Milliseconds: sorted[Math.floor(sorted.length * 0.99)],
      found: [...this.#checker.violations],
      lately: this.#lately,
    };
  }
}

/** The same for all tabs of this browser. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}
