// The files of a flight recording: `<data_dir>/flight/<start of the process>-<part>.jsonl`, the newest four of them, so that the end of the last
// run is still there when a member that died was started again. A file that cannot be written ends the recording, never the member.
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { FlightSink } from '@raftkv/replica';

/** Characters held back before they are written; what is held back is lost when the process is killed. */
const bufferLength = 64 * 1024;
/** And no longer than this, in milliseconds. */
const bufferMilliseconds = 500;
const keptFiles = 4;

export class FlightFiles implements FlightSink {
  readonly #directory: string;
  readonly #onFailure: (error: Error) => void;
  /** Sorts as text by time. */
  readonly #run = new Date().toISOString().replaceAll(':', '-');
  #part = 0;
  #file: number | undefined;
  #buffer = '';
  #timer: NodeJS.Timeout | undefined;
  #isBroken = false;

  constructor(directory: string, onFailure: (error: Error) => void) {
    this.#directory = directory;
    this.#onFailure = onFailure;
  }

  begin(): void {
    this.#guarded(() => {
      this.#flush();
      if (this.#file !== undefined) closeSync(this.#file);
      this.#file = undefined;
      mkdirSync(this.#directory, { recursive: true });
      const earlier = readdirSync(this.#directory).filter((name) => name.endsWith('.jsonl'));
      for (const name of earlier.toSorted().slice(0, -(keptFiles - 1))) rmSync(join(this.#directory, name));
      this.#part++;
      const name = `${this.#run}-${String(this.#part).padStart(6, '0')}.jsonl`;
      this.#file = openSync(join(this.#directory, name), 'w');
    });
  }

  write(line: string): void {
    if (this.#isBroken) return;
    this.#buffer += `${line}\n`;
    if (this.#buffer.length >= bufferLength) this.#guarded(() => this.#flush());
    else this.#timer ??= setTimeout(() => this.#guarded(() => this.#flush()), bufferMilliseconds).unref();
  }

  /** Writes what is held back. Synchronous, so that a member that halts can call it last. */
  close(): void {
    this.#guarded(() => {
      this.#flush();
      if (this.#file !== undefined) closeSync(this.#file);
    });
    this.#file = undefined;
    this.#isBroken = true;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#buffer);
    this.#buffer = '';
    if (this.#file === undefined) return;
    let at = 0;
    while (at < bytes.length) at += writeSync(this.#file, bytes, at);
  }

  #guarded(act: () => void): void {
    if (this.#isBroken) return;
    try {
      act();
    } catch (error) {
      this.#isBroken = true;
      this.#buffer = '';
      this.#onFailure(error as Error);
    }
  }
}
