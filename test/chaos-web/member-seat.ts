// A seat with a member of `raftkv/member`: one of founders that are known beforehand, or, once its profile was wiped, one that asks to be let in.
import type { ChaosTabOptions } from '../browser/pages/chaos-lab.ts';
import { sleep } from '../e2e/harness/wait.ts';
import type { SeatTab } from './browsers.ts';
import { Seat, openMilliseconds } from './seat.ts';
import type { SeatOptions } from './seat.ts';

type MemberHow = NonNullable<ChaosTabOptions['member']>;

export interface MemberSeatOptions extends SeatOptions {
  readonly lab: Omit<ChaosTabOptions, 'name' | 'member' | 'room'>;
  readonly founders: readonly string[];
}

export class MemberSeat extends Seat {
  readonly #options: MemberSeatOptions;
  #cluster: MemberHow['cluster'];
  #wipes = 0;

  constructor(options: MemberSeatOptions) {
    super(options);
    this.#options = options;
    this.#cluster = { founders: options.founders.map((name) => ({ name })) };
  }

  protected override enter(tab: SeatTab): Promise<string | undefined> {
    return this.openMember(tab);
  }

  /**
   * As the member of this seat. Undefined, or the code of what it was refused with. A lock that its last page has is waited for, and so is a cluster that is
   * to let it in.
   */
  async openMember(tab: SeatTab, { steal = false, patient = true } = {}): Promise<string | undefined> {
    const cluster = this.#cluster;
    const member = { cluster, room: 'chaos', steal };
    const options: ChaosTabOptions = { ...this.#options.lab, name: this.name, member };
    const until = performance.now() + (patient ? openMilliseconds / 2 : 0);
    for (;;) {
      const refused = await tab.evaluate((how) => chaosLab.open(how), options);
      const canPass = refused === 'storage_locked' || 'endpoints' in cluster;
      if (refused === undefined || !canPass || performance.now() > until) return refused;
      await sleep(200);
    }
  }

  /** When it is opened again, it asks the others to be let in, in the place of whom it was. */
  protected override forgot(others: readonly Seat[]): void {
    const former = this.name;
    this.#wipes += 1;
    this.name = `${this.#options.name}-${this.#wipes}`;
    this.#cluster = { endpoints: others.map(({ name }) => `tab:${name}`), plan: { replaces: former } };
  }
}
