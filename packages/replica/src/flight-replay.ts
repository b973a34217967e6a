// Plays a part of a flight recording from its beginning to its end, and says whether the core answers as it did then. Used by `raftkv replay` and by tests; going
// through it line by line is in `flight-player.ts`.
import type { ConfigurationCodec, RaftStatus } from '@raftkv/raft';
import { FlightPlayer } from './flight-player.ts';
import type { FlightStep } from './flight-player.ts';

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
  const player = new FlightPlayer(lines, options.configurationCodec);
  for (let step = player.next(); step !== undefined; step = player.next()) options.onTrace?.(traceOf(step));
  const { software, part, inputs, readys, halted, divergedAt } = player;
  return { software, part, inputs, readys, halted, divergedAt, status: player.status() };
}

function traceOf({ type, milliseconds, text }: FlightStep): string {
  switch (type) {
    case 'input':
    case 'broken':
      return `${milliseconds.toFixed(3).padStart(12)} ms  ${text}`;
    case 'ready':
      return `${' '.repeat(14)}→ ${text}`;
    case 'diverged':
      return `${' '.repeat(14)}≠ ${text}`;
    case 'halted':
      return text;
  }
}
