// Notices that this cluster was founded before, by a storage that is lost. Ids and the cluster's id are made of names, so founders that come with empty
// storages found the same cluster once more, where none of the others is left to know them; the members that joined it are. The mesh tells of each stranger.
import type { PeerId, RaftStatus } from '@raftkv/raft';
import { RaftkvError } from '@raftkv/wire';
import { isGivenByLog } from './identity.ts';
import { systemClock } from './system-clock.ts';

export interface SecondFoundingOptions {
  /** Undefined before Raft runs. */
  readonly status: () => Pick<RaftStatus, 'role' | 'term' | 'configurationIndex'> | undefined;
  /** Longer than a leader that has lost its followers takes itself for one. */
  readonly patienceMilliseconds: number;
  /** This member may not go on. */
  readonly onFound: (error: RaftkvError) => void;
  readonly clock?: Pick<typeof systemClock, 'schedule'>;
}

/**
 * The proof: a leader's log holds all that was ever agreed (leader completeness, §3.6.1), and an id is told only when its entry is agreed. A leader
 * in whose log members never changed, and to which one came that a log has let in, has another log before it.
 */
export class SecondFounding {
  readonly #options: SecondFoundingOptions;
  #cancel: (() => void) | undefined;

  constructor(options: SecondFoundingOptions) {
    this.#options = options;
  }

  /** One that is not known here wants to connect, as a member of this cluster. It may be let in, and not knock again: the doubt stays. */
  suspect(id: PeerId): void {
    if (!isGivenByLog(id) || this.#cancel !== undefined || !this.#isOpen()) return;
    this.#look(this.#termInDoubt());
  }

  /** Looks again in a while: who was deposed and has not heard of it knows no better, nor does one that slept; and who follows now may lead by then. */
  #look(term: number | undefined): void {
    const { clock = systemClock, patienceMilliseconds, onFound } = this.#options;
    this.#cancel = clock.schedule(() => {
      this.#cancel = undefined;
      const now = this.#termInDoubt();
      if (now === undefined || now !== term) {
        if (this.#isOpen()) this.#look(now);
        return;
      }
      const message =
        `this cluster was founded before: a member joined it, of which nothing is known here. The storage of this founder was lost, and with it its ` +
        `votes; empty its data directory and join it to those that are left, with --replace and its name`;
      onFound(new RaftkvError('member_amnesia', message));
    }, patienceMilliseconds);
  }

  close(): void {
    this.#cancel?.();
  }

  /** Its log tells of no change of members, so far. */
  #isOpen(): boolean {
    return (this.#options.status()?.configurationIndex ?? 0) === 0;
  }

  #termInDoubt(): number | undefined {
    const status = this.#options.status();
    return status?.role === 'leader' && status.configurationIndex === 0 ? status.term : undefined;
  }
}
