// Plays a flight recording line by line in a core of its own, forwards and back, and compares what that answers with what was recorded: the same inputs must give
// the same outputs. Knows no disk and no clock. Used by `replayFlight` and by pages that show a recording.
import { Raft } from '@raftkv/raft';
import type { ConfigurationCodec, Input, RaftCheckpoint, RaftStatus, Ready } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { decodeCheckpoint, digest, expand, flightFormat, flightVersion } from './flight-format.ts';
import type { FlightHeader, FlightLine } from './flight-format.ts';
import { describeInput, describeReady } from './flight-trace.ts';

/** One line of the recording, as it was played. */
export interface FlightStep {
  /** `ready`: the core was asked what to do, and answered as it had. `diverged`: it answered something else. `broken`: an input broke the core, as it did then. */
  readonly type: 'input' | 'broken' | 'ready' | 'diverged' | 'halted';
  /** Of the last input, since the part began. */
  readonly milliseconds: number;
  /** For people. */
  readonly text: string;
}

/** What is needed to go on from a line that was played before. */
interface Bookmark {
  readonly position: number;
  readonly checkpoint: RaftCheckpoint;
  readonly counts: Counts;
}

interface Counts {
  readonly inputs: number;
  readonly readys: number;
  readonly milliseconds: number;
  readonly halted: string | undefined;
  readonly divergedAt: number | undefined;
}

/** Lines between two bookmarks: so many are played at most to go back to any line. */
const bookmarkLines = 500;
const atStart: Counts = { inputs: 0, readys: 0, milliseconds: 0, halted: undefined, divergedAt: undefined };

/**
 * One part of a recording. A last line that is cut off (the process was killed) is left out. The constructor throws `bad_frame` on what is no recording,
 * `unsupported_version` on one of a newer format; `next` and `goTo` throw `bad_frame` on a line that does not decode.
 *
 * @example
 * ```ts
 * const player = new FlightPlayer(text.split('\n'), configurationCodec);
 * while (player.next() !== undefined);
 * player.goTo(120);
 * player.status().role;
 * ```
 */
export class FlightPlayer {
  readonly software: string;
  readonly part: number;
  readonly #lines: readonly string[];
  readonly #codec: ConfigurationCodec;
  readonly #bookmarks: Bookmark[] = [];
  #raft: Raft;
  #position = 0;
  #counts: Counts = atStart;

  constructor(lines: readonly string[], configurationCodec: ConfigurationCodec) {
    const header = readHeader(lines[0] ?? '');
    this.software = header.software;
    this.part = header.part;
    this.#codec = configurationCodec;
    this.#lines = withoutTorn(lines.slice(1));
    const checkpoint = decodeCheckpoint(header.checkpoint);
    this.#raft = this.#coreFrom(checkpoint);
    this.#bookmarks.push({ position: 0, checkpoint, counts: atStart });
  }

  /** Lines after the header. */
  get length(): number {
    return this.#lines.length;
  }

  /** Lines that were played. */
  get position(): number {
    return this.#position;
  }

  get inputs(): number {
    return this.#counts.inputs;
  }

  get readys(): number {
    return this.#counts.readys;
  }

  /** What the member halted with, as far as it is played. */
  get halted(): string | undefined {
    return this.#counts.halted;
  }

  /** The first line of the file (counted from 1) at which the core answered something else than it had; what follows means nothing and is not played. */
  get divergedAt(): number | undefined {
    return this.#counts.divergedAt;
  }

  /** Where the core stands. */
  status(): RaftStatus {
    return this.#raft.status();
  }

  termAt(index: number): number | undefined {
    return this.#raft.termAt(index);
  }

  /** Plays the next line. Undefined at the end, and after a divergence. */
  next(): FlightStep | undefined {
    const text = this.#lines[this.#position];
    if (text === undefined || this.divergedAt !== undefined) return undefined;
    const number = this.#position + 2;
    const step = this.#play(readLine(text, number), number);
    this.#position += 1;
    const last = this.#bookmarks.at(-1)!;
    if (this.#position - last.position >= bookmarkLines) this.#bookmark();
    return step;
  }

  /** To where `position` lines are played, or to the end if there are fewer. */
  goTo(position: number): void {
    if (position < this.#position) {
      const from = this.#bookmarks.findLast((bookmark) => bookmark.position <= Math.max(0, position))!;
      this.#raft = this.#coreFrom(from.checkpoint);
      this.#position = from.position;
      this.#counts = from.counts;
    }
    while (this.#position < position && this.next() !== undefined);
  }

  #bookmark(): void {
    const position = this.#position;
    this.#bookmarks.push({ position, checkpoint: this.#raft.checkpoint(), counts: this.#counts });
  }

  /** It has a copy: what is kept is not played on. */
  #coreFrom(checkpoint: RaftCheckpoint): Raft {
    return new Raft({ id: 'replayed', seed: 0, configurationCodec: this.#codec }, checkpoint);
  }

  #play(line: FlightLine, number: number): FlightStep {
    switch (line[0]) {
      case 's':
        return this.#step(line[1], line[2]);
      case 'r':
        return this.#take(line[1], number);
      case 'x':
        this.#counts = { ...this.#counts, halted: line[1] };
        return { type: 'halted', milliseconds: this.#counts.milliseconds, text: `halted: ${line[1]}` };
    }
  }

  #step(milliseconds: number, input: Input): FlightStep {
    this.#counts = { ...this.#counts, inputs: this.inputs + 1, milliseconds };
    const text = describeInput(input);
    try {
      this.#raft.step(input);
      return { type: 'input', milliseconds, text };
    } catch (error) {
      // As it was then: the line that follows says what the member halted with.
      const reason = error instanceof Error ? error.message : String(error);
      return { type: 'broken', milliseconds, text: `${text}; the core broke: ${reason}` };
    }
  }

  #take(recorded: string, number: number): FlightStep {
    const { milliseconds } = this.#counts;
    const ready: Ready = this.#raft.takeReady();
    this.#counts = { ...this.#counts, readys: this.readys + 1 };
    const text = describeReady(ready);
    if (digest(ready) === recorded) return { type: 'ready', milliseconds, text };
    this.#counts = { ...this.#counts, divergedAt: number };
    return { type: 'diverged', milliseconds, text: `${text} (recorded was ${recorded}, this is ${digest(ready)})` };
  }
}

function readHeader(text: string): FlightHeader {
  let header: Partial<FlightHeader> | undefined;
  try {
    header = JSON.parse(text) as Partial<FlightHeader>;
  } catch {
    // Said below.
  }
  if (header?.format !== flightFormat || typeof header.checkpoint !== 'object') {
    throw new RaftkvError('bad_frame', 'this is no flight recording of raftkv');
  }
  if (header.version !== flightVersion) {
    throw new RaftkvError(
      'unsupported_version',
      `a flight recording of format ${header.version}; this raftkv reads ${flightVersion}`,
    );
  }
  return header as FlightHeader;
}

/** Without the end of the file, and without a last line that is only a part of one. */
function withoutTorn(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && lines[end - 1] === '') end -= 1;
  if (end > 0 && parseLine(lines[end - 1]!) === undefined) end -= 1;
  return lines.slice(0, end);
}

function readLine(text: string, number: number): FlightLine {
  const line = parseLine(text);
  if (line !== undefined) return line;
  throw new RaftkvError('bad_frame', `line ${number} of the flight recording does not decode`);
}

function parseLine(text: string): FlightLine | undefined {
  try {
    const line = expand(text);
    if (Array.isArray(line) && typeof line[0] === 'string' && 'srx'.includes(line[0])) {
      return line as unknown as FlightLine;
    }
  } catch {
    // It is none.
  }
  return undefined;
}
