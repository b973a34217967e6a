// Who was found to be of no use as a feeder, and until when it is not asked again. Names are claims, so beyond each one's there is a memory of lies as such:
// who was lied to again and again takes its feed from the cluster for a while.
import { RaftkvError } from '@raftkv/wire';
import type { FeederClock } from './feeder-clock.ts';

/** Codes of feeders that brought what is not so. Others were slow, full or gone. */
const lies: readonly string[] = ['diverged', 'bad_frame', 'frame_too_large', 'unsupported_version'];
const lieMilliseconds = 10 * 60_000;
const weaknessMilliseconds = 30_000;
/** More lies than these within `lieMilliseconds`, and nobody is asked. */
const maxLies = 3;
/** The oldest are forgotten beyond this. */
const maxRemembered = 256;

export class Reputation {
  readonly #clock: Pick<FeederClock, 'now'>;
  readonly #until = new Map<string, number>();
  #lies: number[] = [];

  constructor(clock: Pick<FeederClock, 'now'>) {
    this.#clock = clock;
  }

  /** Answers whether it lied. */
  left(id: string, error: unknown): boolean {
    const now = this.#clock.now();
    const isLie = lies.includes(RaftkvError.from(error).code);
    this.#until.delete(id);
    this.#until.set(id, now + (isLie ? lieMilliseconds : weaknessMilliseconds));
    for (const oldest of this.#until.keys()) {
      if (this.#until.size <= maxRemembered) break;
      this.#until.delete(oldest);
    }
    if (isLie) this.#lies = [...this.#lies, now].slice(-maxLies);
    return isLie;
  }

  mayAsk(id: string): boolean {
    return (this.#until.get(id) ?? -Infinity) <= this.#clock.now();
  }

  /** Anybody at all. */
  get trustsSomebody(): boolean {
    const [first] = this.#lies;
    return this.#lies.length < maxLies || this.#clock.now() - first! > lieMilliseconds;
  }
}
