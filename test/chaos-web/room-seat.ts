// A seat with a tab in a room of `raftkv/room`: the first one makes it, and all others, and all that come back, join by its link. Who votes is seen to by the room.
import type { ChaosTabOptions } from '../browser/pages/chaos-lab.ts';
import type { SeatTab } from './browsers.ts';
import { Seat } from './seat.ts';
import type { SeatOptions } from './seat.ts';

export interface RoomSeatOptions extends SeatOptions {
  readonly lab: Omit<ChaosTabOptions, 'name' | 'member' | 'room'>;
  readonly policy: NonNullable<ChaosTabOptions['room']>['policy'];
  readonly meeting: Meeting;
}

/** What the tabs of a room share: its link, once somebody has made it. */
export class Meeting {
  readonly link: Promise<string>;
  #tell!: (link: string) => void;
  #isTaken = false;

  constructor() {
    this.link = new Promise((resolve) => (this.#tell = resolve));
  }

  /** Undefined: the room is to be made, by whoever asks first. */
  async find(): Promise<string | undefined> {
    if (this.#isTaken) return this.link;
    this.#isTaken = true;
    return undefined;
  }

  made(link: string): void {
    this.#tell(link);
  }
}

export class RoomSeat extends Seat {
  readonly #options: RoomSeatOptions;
  #guests = 0;

  constructor(options: RoomSeatOptions) {
    super(options);
    this.#options = options;
  }

  protected override enter(tab: SeatTab): Promise<string | undefined> {
    return this.#join(tab, this.name);
  }

  /** Another tab of this profile comes into the room. */
  async openGuest(): Promise<SeatTab> {
    const tab = await this.newTab();
    this.#guests += 1;
    const refused = await this.#join(tab, `${this.name}+${this.#guests}`);
    if (refused !== undefined) throw new Error(`another tab of ${this.name} was not let in: ${refused}`);
    return tab;
  }

  /** In order; the page stays. */
  async leave(): Promise<void> {
    this.doom();
    await this.tab.evaluate(() => chaosLab.leave(), undefined);
  }

  protected override forgot(): void {
    // The link is all that anybody needs.
  }

  async #join(tab: SeatTab, name: string): Promise<string | undefined> {
    const { lab, policy, meeting } = this.#options;
    const link = await meeting.find();
    const options: ChaosTabOptions = { ...lab, name, room: { link, policy } };
    const refused = await tab.evaluate((how) => chaosLab.open(how), options);
    if (refused === undefined && link === undefined) meeting.made(await tab.evaluate(() => chaosLab.link(), undefined));
    return refused;
  }
}
