// A recording that was opened: played once to its end to see whether the core gives the same answers, with a line of text for each step and the moments at which
// something happened; then at any step that is asked for.
import { FlightPlayer } from '@raftkv/replica';
import type { FlightStep } from '@raftkv/replica';
import { decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import type { LogRow } from '../view/log-cells.ts';

export interface Moment {
  /** Steps that are played when it has happened. */
  readonly position: number;
  readonly milliseconds: number;
  readonly text: string;
}

export interface ReplaySight {
  readonly position: number;
  readonly role: string;
  readonly term: number;
  readonly votedFor: string | undefined;
  readonly leaderId: string | undefined;
  readonly row: LogRow;
}

const shownEntries = 40;
/** Steps between two breaths, so that the page stays alive. */
const breathSteps = 400;
/** More than a recording of this page has; larger files are cut there. */
const maxSteps = 200_000;
const configurationCodec = { encode: encodeConfiguration, decode: decodeConfiguration };

export class Recording {
  readonly steps: FlightStep[] = [];
  readonly moments: Moment[] = [];
  readonly #player: FlightPlayer;

  /** Throws `bad_frame` or `unsupported_version`. */
  constructor(text: string) {
    this.#player = new FlightPlayer(text.split('\n'), configurationCodec);
  }

  get memberId(): string {
    return this.#player.status().id;
  }

  get software(): string {
    return this.#player.software;
  }

  get length(): number {
    return Math.min(this.#player.length, maxSteps);
  }

  get divergedAt(): number | undefined {
    return this.#player.divergedAt;
  }

  /** Plays it all. `onProgress`: from 0 to 1. Rejects with `bad_frame` at a line that does not decode. */
  async verify(onProgress: (share: number) => void): Promise<void> {
    let before = this.#player.status();
    for (
      let step = this.#player.next();
      step !== undefined && this.steps.length < maxSteps;
      step = this.#player.next()
    ) {
      this.steps.push(step);
      const { role, term, leaderId } = this.#player.status();
      const text =
        role !== before.role
          ? `${roleWord(role)} in term ${term}`
          : term !== before.term
            ? `term ${term}`
            : leaderId !== before.leaderId && leaderId !== undefined
              ? `follows ${shortId(leaderId)}`
              : undefined;
      if (text !== undefined) {
        this.moments.push({ position: this.#player.position, milliseconds: step.milliseconds, text });
        before = this.#player.status();
      }
      if (this.steps.length % breathSteps !== 0) continue;
      onProgress(this.steps.length / this.length);
      await new Promise((resolve) => void setTimeout(resolve, 0));
    }
    onProgress(1);
  }

  at(position: number): ReplaySight {
    this.#player.goTo(position);
    const { role, term, votedFor, leaderId, lastIndex, firstIndex, commitIndex, appliedIndex, persistedIndex } =
      this.#player.status();
    const tail: number[] = [];
    for (let index = Math.max(firstIndex, lastIndex - shownEntries + 1); index <= lastIndex; index += 1) {
      tail.push(this.#player.termAt(index) ?? 0);
    }
    const row = {
      name: 'log',
      isSelf: false,
      isThere: true,
      lastIndex,
      commitIndex,
      appliedIndex,
      persistedIndex,
      tail,
    };
    return { position: this.#player.position, role: roleWord(role), term, votedFor, leaderId, row };
  }
}

/** Ids are long; their ends tell them apart. */
export function shortId(id: string): string {
  return id.length > 8 ? `…${id.slice(-6)}` : id;
}

function roleWord(role: string): string {
  return role === 'preCandidate' ? 'pre-candidate' : role;
}
