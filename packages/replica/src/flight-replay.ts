// Plays a flight recording in a core of its own, and compares what that answers with what was recorded: the same inputs must give the same
// outputs. Used by `raftkv replay` and by tests; knows no disk and no clock.
import { Raft } from '@raftkv/raft';
import type { ConfigurationCodec, Input, RaftStatus, Ready } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { decodeCheckpoint, digest, expand, flightFormat, flightVersion } from './flight-format.ts';
import type { FlightHeader, FlightLine } from './flight-format.ts';
import { describeInput, describeReady } from './flight-trace.ts';

export interface ReplayOptions {
  readonly configurationCodec: ConfigurationCodec;
  /** Called for each input and Ready with a readable line. */
  readonly onTrace?: (line: string) => void;
}

export interface ReplayResult {
  readonly software: string;
  readonly part: number;
  readonly inputs: number;
  readonly readys: number;
  /** What the member halted with, if it did. */
  readonly halted: string | undefined;
  /** The first line (counted from 1) at which the core answered something else than it had; undefined: the same all along. */
  readonly divergedAt: number | undefined;
  /** Where the core stands at the end. */
  readonly status: RaftStatus;
}

/**
 * Plays one part. A last line that is cut off (the process was killed) is left out. Throws `bad_frame` on what is no recording, `unsupported_version`
 * on one of a newer format.
 *
 * @example
 * ```ts
 * const { divergedAt, status } = replayFlight(readFileSync(file, 'utf8').split('\n'), { configurationCodec });
 * ```
 */
export function replayFlight(lines: readonly string[], options: ReplayOptions): ReplayResult {
  const header = readHeader(lines[0] ?? '');
  const { configurationCodec } = options;
  const raft = new Raft({ id: 'replayed', seed: 0, configurationCodec }, decodeCheckpoint(header.checkpoint));
  const player = new Player(raft, options.onTrace);
  for (let at = 1; at < lines.length && player.divergedAt === undefined; at++) {
    const text = lines[at]!;
    if (text === '') continue;
    const line = readLine(text, at + 1, at >= lines.length - 2);
    if (line === undefined) break;
    player.play(line, at + 1);
  }
  const { software, part } = header;
  const { inputs, readys, halted, divergedAt } = player;
  return { software, part, inputs, readys, halted, divergedAt, status: raft.status() };
}

class Player {
  readonly #raft: Raft;
  readonly #onTrace: ((line: string) => void) | undefined;
  inputs = 0;
  readys = 0;
  halted: string | undefined;
  divergedAt: number | undefined;

  constructor(raft: Raft, onTrace: ((line: string) => void) | undefined) {
    this.#raft = raft;
    this.#onTrace = onTrace;
  }

  play(line: FlightLine, number: number): void {
    switch (line[0]) {
      case 's':
        return this.#step(line[1], line[2]);
      case 'r':
        return this.#take(line[1], number);
      case 'x':
        this.halted = line[1];
        this.#onTrace?.(`halted: ${line[1]}`);
        return;
    }
  }

  #step(milliseconds: number, input: Input): void {
    this.inputs++;
    this.#onTrace?.(`${milliseconds.toFixed(3).padStart(12)} ms  ${describeInput(input)}`);
    try {
      this.#raft.step(input);
    } catch (error) {
      // As it was then: the line that follows says what the member halted with.
      this.#onTrace?.(`the core broke: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #take(recorded: string, number: number): void {
    this.readys++;
    const ready: Ready = this.#raft.takeReady();
    if (digest(ready) === recorded) this.#onTrace?.(`${' '.repeat(14)}→ ${describeReady(ready)}`);
    else {
      this.divergedAt = number;
      this.#onTrace?.(
        `${' '.repeat(14)}≠ ${describeReady(ready)} (recorded was ${recorded}, this is ${digest(ready)})`,
      );
    }
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

function readLine(text: string, number: number, isLast: boolean): FlightLine | undefined {
  try {
    const line = expand(text);
    if (Array.isArray(line) && typeof line[0] === 'string' && 'srx'.includes(line[0]))
      return line as unknown as FlightLine;
  } catch {
    if (isLast) return undefined;
  }
  throw new RaftkvError('bad_frame', `line ${number} of the flight recording does not decode`);
}
