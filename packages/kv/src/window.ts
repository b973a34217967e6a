// Which revisions are still part of history: the log of what they changed and the revision that it logically begins at. Replicated state,
// moved by counts and bytes of the commands alone; when memory is really given back is the keyspace's business.
import { ChangeLog } from './change-log.ts';
import type { RevisionRecords } from './change-log.ts';

export interface WindowLimits {
  readonly retainedRevisions: number;
  readonly retainedBytes: number;
}

export class Window {
  readonly log: ChangeLog;
  readonly #limits: WindowLimits;
  #compactedRevision: number;
  /** Bytes written by the revisions after `#compactedRevision`. */
  #bytes = 0;

  /** `log` reaches from `compactedRevision` (or the first write) to `revision`. */
  constructor(limits: WindowLimits, log = new ChangeLog(2), revision = 1, compactedRevision = 0) {
    this.#limits = limits;
    this.log = log;
    this.#compactedRevision = compactedRevision;
    for (let at = Math.max(compactedRevision + 1, log.firstRevision); at <= revision; at++)
      this.#bytes += log.bytesAt(at);
  }

  /** The oldest revision that can be read and watched from; 0 = nothing was forgotten. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** Adds the newest revision, and lets go of the oldest ones if the window has become too long or too heavy. The newest itself always stays readable. */
  push(revision: number, records: RevisionRecords, bytes: number): void {
    this.log.push(revision, records, bytes);
    this.#bytes += bytes;
    const { retainedRevisions, retainedBytes } = this.#limits;
    while (
      revision - this.#compactedRevision >= retainedRevisions ||
      (this.#bytes > retainedBytes && this.#compactedRevision < revision)
    ) {
      this.#advance();
    }
  }

  /** Moves the beginning by command, forward. */
  compact(revision: number): void {
    while (this.#compactedRevision < revision) this.#advance();
  }

  #advance(): void {
    this.#compactedRevision++;
    this.#bytes -= this.log.bytesAt(this.#compactedRevision);
  }
}
