// The flight recording of this tab's member, in memory: the part that is being written and the one before, as text to be saved. Nothing of it is on the disk.
import type { FlightSink } from '@raftkv/replica';

export class MemoryFlight implements FlightSink {
  #before: string[] = [];
  #present: string[] = [];

  begin(): void {
    this.#before = this.#present;
    this.#present = [];
  }

  write(line: string): void {
    this.#present.push(line);
  }

  /** A part can be played alone. Of the present one, unless that has only just begun. */
  text(leastLines = 200): string | undefined {
    const part = this.#present.length < leastLines && this.#before.length > 0 ? this.#before : this.#present;
    return part.length === 0 ? undefined : `${part.join('\n')}\n`;
  }
}
