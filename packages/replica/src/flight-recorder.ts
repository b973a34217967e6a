// The flight recorder of a member: every input of its core, in order, with a digest of every answer, so that what happened can be played again
// in a core elsewhere. Bounded: a recording is cut into parts, each of which begins with a checkpoint and can be played alone, and the sink keeps
// the last two. Opt-in; called by the replica's loop. What it costs is a line of JSON for each input and each Ready.
import type { Raft } from '@raftkv/raft';
import { abridge, digest, encodeCheckpoint, flightFormat, flightVersion } from './flight-format.ts';
import type { FlightHeader } from './flight-format.ts';

/** What the replica's loop uses of a core. */
export type Core = Pick<Raft, keyof Raft>;

/** Where the lines go. It must not throw; what it cannot keep it loses. */
export interface FlightSink {
  /** A new part begins. Of the earlier ones only the last need be kept. */
  begin(): void;
  /** One line, without its end. */
  write(line: string): void;
}

export interface FlightRecorderOptions {
  /** The version of raftkv, which goes in the header. */
  readonly software: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Characters of inputs in a part, its checkpoint not counted; the line that crosses the limit is the last one. Default 16 Mi. */
  readonly maxPartLength?: number;
}

export class FlightRecorder {
  readonly #sink: FlightSink;
  readonly #options: Required<FlightRecorderOptions>;
  #part = 0;
  #room = 0;
  #startedAt = 0;

  constructor(sink: FlightSink, options: FlightRecorderOptions) {
    this.#sink = sink;
    this.#options = { maxPartLength: 16 * 1024 * 1024, ...options };
  }

  /** The same core, listened to. */
  record(raft: Raft): Core {
    return {
      step: (input) => {
        if (this.#room <= 0) this.#begin(raft);
        // Before the core takes it in: an input that breaks the core is in the recording.
        const milliseconds = Math.round((this.#options.now() - this.#startedAt) * 1000) / 1000;
        this.#write(`["s",${milliseconds},${abridge(input)}]`);
        raft.step(input);
      },
      takeReady: () => {
        const ready = raft.takeReady();
        this.#write(`["r","${digest(ready)}"]`);
        return ready;
      },
      hasReady: () => raft.hasReady(),
      termAt: (index) => raft.termAt(index),
      status: () => raft.status(),
      configurationAt: (index) => raft.configurationAt(index),
      configurationStatus: () => raft.configurationStatus(),
      checkpoint: () => raft.checkpoint(),
    };
  }

  halted(error: Error): void {
    this.#write(JSON.stringify(['x', error.message]));
  }

  #begin(raft: Raft): void {
    const { software, maxPartLength, now } = this.#options;
    this.#part++;
    this.#room = maxPartLength;
    this.#startedAt = now();
    const header: FlightHeader = {
      format: flightFormat,
      version: flightVersion,
      software,
      part: this.#part,
      checkpoint: encodeCheckpoint(raft.checkpoint()),
    };
    this.#sink.begin();
    this.#sink.write(JSON.stringify(header));
  }

  #write(line: string): void {
    this.#room -= line.length + 1;
    this.#sink.write(line);
  }
}
