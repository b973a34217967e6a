// Of the tabs of one room that are in reach of each other, one at a time goes on alone: it says that it means to, and does so when all others that could have said that
// they leave it to it. Of two that mean to at the same moment, the one whose log holds more. Tabs that are apart know nothing of each other, and make two rooms.
// Called by `room.ts`; what is said travels in the reports.
import type { Clock } from '@raftkv/replica';
import { RaftkvError } from '@raftkv/wire';
import type { LogEnd, TabReport } from './room-message.ts';

type Heard = Pick<TabReport, 'clusterId' | 'memberId' | 'logEnd' | 'isGoingOn' | 'yieldsTo'>;

/** One other tab of the same room. */
interface OtherTab {
  readonly word: string;
  readonly report: Heard;
}

interface Claim {
  readonly word: string;
  readonly logEnd: LogEnd;
}

interface OwnClaim extends Claim {
  readonly settle: (refusal: RaftkvError | undefined) => void;
}

/** Who says nothing for so long does not run, and cannot mean to go on at this moment. */
const patienceMilliseconds = 3_000;
/** Whoever was to go on and is away since, is about to come back as another room; or does not. */
const yieldMilliseconds = 60_000;

export class RoomClaims {
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  readonly #onChange: () => void;
  #own: OwnClaim | undefined;
  #yielded: { readonly word: string; readonly until: number } | undefined;

  /** `onChange`: there is something to report. */
  constructor(clock: Pick<Clock, 'now' | 'schedule'>, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** What is reported of this tab. */
  get said(): Pick<TabReport, 'isGoingOn' | 'yieldsTo'> {
    return { isGoingOn: this.#own !== undefined, yieldsTo: this.#yieldsTo };
  }

  /** What the others of this room say now. */
  hear(others: readonly OtherTab[]): void {
    const before = this.#yieldsTo;
    const claims = others
      .filter(({ report }) => report.isGoingOn)
      .map(({ word, report: { logEnd } }): Claim => ({ word, logEnd }));
    const own = this.#own;
    const ahead = own === undefined ? undefined : claims.find((claim) => holdsMore(claim, own));
    if (ahead !== undefined) {
      this.#yieldTo(ahead.word);
      own!.settle(taken(ahead.word));
    } else if (own === undefined) {
      const isWithdrawn = others.some(({ word, report }) => word === this.#yieldsTo && !report.isGoingOn);
      if (isWithdrawn) this.#yielded = undefined;
      if (this.#yieldsTo === undefined && claims[0] !== undefined) this.#yieldTo(claims[0].word);
    } else if (others.every(({ report }) => report.memberId === undefined || report.yieldsTo === own.word)) {
      own.settle(undefined);
    }
    if (this.#yieldsTo !== before) this.#onChange();
  }

  /** Resolves when this tab may go on; the others leave it to it until `withdraw`. Rejects with `busy` if another tab does. */
  async stake(claim: Claim, others: () => readonly OtherTab[]): Promise<void> {
    const first = this.#yieldsTo;
    if (first !== undefined) throw taken(first);
    if (this.#own !== undefined) throw new RaftkvError('busy', 'this tab is about to go on');
    let cancel: (() => void) | undefined;
    const settled = new Promise<RaftkvError | undefined>((settle) => {
      this.#own = { ...claim, settle };
      cancel = this.#clock.schedule(() => settle(undefined), patienceMilliseconds);
    });
    this.#onChange();
    this.hear(others());
    const refusal = await settled;
    cancel?.();
    if (refusal === undefined) return;
    this.withdraw();
    throw refusal;
  }

  withdraw(): void {
    if (this.#own === undefined) return;
    this.#own = undefined;
    this.#onChange();
  }

  get #yieldsTo(): string | undefined {
    const { word, until } = this.#yielded ?? { word: undefined, until: -Infinity };
    return this.#clock.now() < until ? word : undefined;
  }

  #yieldTo(word: string): void {
    this.#yielded = { word, until: this.#clock.now() + yieldMilliseconds };
  }
}

/** §3.6.1: a log that is more up to date holds whatever was acknowledged and is in the other one. */
export function isMoreUpToDate(a: LogEnd, b: LogEnd): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index);
}

function holdsMore(a: Claim, b: Claim): boolean {
  return isMoreUpToDate(a.logEnd, b.logEnd) || (!isMoreUpToDate(b.logEnd, a.logEnd) && a.word < b.word);
}

function taken(word: string): RaftkvError {
  return new RaftkvError('busy', `the tab ${word} is about to go on from here, and others join it`);
}
