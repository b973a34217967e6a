// A room as this tab is in it: takes a seat, runs its member (and guests, where a majority is missing), tells the others how it is and hears them, and keeps
// the members as `keeper.ts` wishes. The composition root of the room's page; what is broken on purpose goes through `faults/`.
import { deleteIndexedDbStorage } from '@raftkv/storage/web';
import type { Channel } from '@raftkv/transport';
import type { RelaySignalling, Signalling } from '@raftkv/transport/webrtc';
import { RaftkvError, connect } from 'raftkv';
import type { ClusterKv, Kv } from 'raftkv';
import { Faults } from '../faults/faults.ts';
import { Observable } from '../../model/observable.ts';
import { Emitter } from './emitter.ts';
import { Gossip } from './gossip.ts';
import type { HubMessage } from './hub.ts';
import { keep, mostVoters } from './keeper.ts';
import type { KeeperWish } from './keeper.ts';
import { addressOf } from './roads.ts';
import { notesBetween } from './room-notes.ts';
import type { Flight, Invitations, RoomNote, RoomSource } from './room-source.ts';
import { viewRoom } from './room-view.ts';
import type { Phase, RoomView } from './room-view.ts';
import { Seats } from './seats.ts';
import type { Seat } from './seats.ts';
import { SentCounts } from './sent-counts.ts';
import { hasRelay, joinSignalling, openRelay } from './signalling.ts';
import { TabMember } from './tab-member.ts';

export interface TabRoomOptions {
  readonly room: string;
  /** Makes it. Else it is joined. */
  readonly founds: boolean;
  /** Members that the link named. */
  readonly hints: readonly string[];
  /** Another browser, met by an invitation. */
  readonly bridge: Channel | undefined;
}

const tellMilliseconds = 200;
const keepMilliseconds = 500;
/** How long a newcomer looks for others before it says that there is nobody. */
const lookMilliseconds = 1_200;

interface Running {
  readonly member: TabMember;
  readonly seat: Seat;
  readonly counts: SentCounts;
  readonly isGuest: boolean;
}

export class TabRoom implements RoomSource {
  readonly faults = new Faults();
  readonly notes = new Emitter<RoomNote>();
  readonly view: Observable<RoomView>;
  readonly #options: TabRoomOptions;
  readonly #seats: Seats;
  readonly #gossip: Gossip;
  readonly #guests = new Map<string, Running>();
  #relay: RelaySignalling | undefined;
  /** At the relay. */
  #present: readonly string[] = [];
  #own: Running | undefined;
  #kv: ClusterKv | undefined;
  #phase: Phase = 'opening';
  #problem: string | undefined;
  #timers: ReturnType<typeof setInterval>[] = [];
  /** The member is being brought down and up again. */
  #isBusy = false;
  #isKeeping = false;
  #isClosed = false;

  constructor(options: TabRoomOptions) {
    this.#options = options;
    this.#seats = new Seats(options.room);
    this.#gossip = new Gossip(options.room, () => this.#refresh());
    this.view = new Observable(this.#look());
  }

  get flights(): Emitter<Flight> {
    return this.#gossip.flights;
  }

  get invitations(): Invitations {
    return this.#gossip;
  }

  get kv(): Kv | undefined {
    return this.#kv;
  }

  /** Settles once this tab is in the room, or cannot be; the view says which. */
  async open(): Promise<void> {
    const { founds, bridge } = this.#options;
    this.#gossip.start(() =>
      this.#running.map((each) => ({ ...each, isFrozen: !each.isGuest && this.faults.isFrozen })),
    );
    if (bridge !== undefined) this.#gossip.addBridge(bridge);
    this.#every(tellMilliseconds, () => this.#tell());
    this.#every(keepMilliseconds, () => this.#keep());
    document.addEventListener('visibilitychange', this.#onVisibility);
    window.addEventListener('pagehide', this.#onHide);
    const [relayed] = await Promise.all([hasRelay(), founds ? undefined : pause(lookMilliseconds)]);
    await this.#sit(relayed);
  }

  say(message: HubMessage): void {
    this.#gossip.hub.say(message);
  }

  listen(listener: (message: HubMessage) => void): () => void {
    return this.#gossip.messages.listen(listener);
  }

  trace(): string | undefined {
    return this.#own?.member.flight.text();
  }

  async kill(): Promise<void> {
    const own = this.#own;
    if (own === undefined || this.#isBusy) return;
    this.#note('bad', `${own.seat.name} was killed: no word, no clean-up`);
    await this.#restart(own, async () => own.member.drop());
  }

  async loseStorage(): Promise<void> {
    const own = this.#own;
    if (own === undefined || this.#isBusy) return;
    this.#note('bad', `${own.seat.name} lost its storage, and with it its name: it comes back as a new member`);
    await this.#replace(own);
  }

  async adopt(name: string): Promise<void> {
    if (this.#guests.has(name)) return;
    const seat = await this.#seats.sitDown(name);
    if (seat === undefined) return;
    try {
      const running = await this.#run(seat, { founds: false, steal: false, isGuest: true });
      this.#guests.set(name, running);
      this.#note('plain', `The tab of ${name} is closed; this tab runs its member too, from the same storage`);
    } catch (error) {
      seat.leave();
      if (RaftkvError.from(error).code === 'member_removed') await this.#forget(name);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    window.removeEventListener('pagehide', this.#onHide);
    for (const timer of this.#timers) clearInterval(timer);
    for (const { member, seat } of this.#running) {
      this.#gossip.farewell(seat.name);
      await member.close().catch(() => undefined);
      seat.leave();
    }
    await this.#kv?.close();
    this.#relay?.close();
    this.#gossip.hub.close();
  }

  // Coming and going

  async #sit(relayed: boolean): Promise<void> {
    const { room, founds } = this.#options;
    const seat = await this.#seats.take((name) => this.#gossip.told.has(name));
    if (relayed) this.#relay = openRelay(room, seat.name, (names) => (this.#present = names));
    if (!seat.isNew || founds || this.#others().length > 0) return this.#enter(seat, founds);
    this.#setPhase('alone', undefined);
    // Whoever comes later, this tab goes in with.
    while (this.#others().length === 0) {
      if (this.#isClosed) return seat.leave();
      await pause(tellMilliseconds);
    }
    return this.#enter(seat, founds);
  }

  async #enter(seat: Seat, founds: boolean): Promise<void> {
    this.#setPhase(founds ? 'opening' : 'joining', undefined);
    for (let attempt = 1; !this.#isClosed; attempt += 1) {
      try {
        this.#own = await this.#run(seat, { founds: founds && attempt === 1, steal: false, isGuest: false });
        this.#connect();
        return this.#setPhase('running', undefined);
      } catch (error) {
        const { code, message } = RaftkvError.from(error);
        if (code === 'member_removed') {
          await this.#forget(seat.name);
          seat.leave();
          return this.#enter(await this.#seats.takeNew((name) => this.#gossip.told.has(name)), false);
        }
        this.#setPhase(code === 'unsupported' ? 'failed' : 'joining', message);
        if (code === 'unsupported') return seat.leave();
        await pause(Math.min(3_000, 300 * attempt));
      }
    }
  }

  async #run(
    seat: Seat,
    { founds, steal, isGuest }: { readonly founds: boolean; readonly steal: boolean; readonly isGuest: boolean },
  ): Promise<Running> {
    const counts = new SentCounts();
    const running: { member?: TabMember } = {};
    const member = await TabMember.open({
      room: this.#options.room,
      seat,
      founds,
      others: () => this.#others().filter((name) => name !== seat.name),
      votes: this.view.getSnapshot().voters < mostVoters,
      signalling: this.#signalling(),
      relayed: this.#relay?.links,
      // A guest is not what the fault panel is about.
      faults: isGuest ? new Faults() : this.faults,
      steal,
      onBridge: this.#gossip.addBridge,
      onMessage: (seen) =>
        void (running.member && this.#gossip.seen({ member: running.member, counts, isGuest }, seen)),
      onHalt: (error) => void this.#halted(seat, error),
    });
    running.member = member;
    return { member, seat, counts, isGuest };
  }

  #signalling(): Signalling {
    const ways = [this.#gossip.hub.signalling(), ...(this.#relay === undefined ? [] : [this.#relay])];
    return joinSignalling(ways);
  }

  #connect(): void {
    void this.#kv?.close();
    const own = this.#own!.member;
    this.#kv = connect({ endpoints: [addressOf(own.name)], dial: (...dialled) => this.#own!.member.dial(...dialled) });
  }

  async #restart(own: Running, end: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await end();
      await pause(1_000);
      this.#own = await this.#run(own.seat, { founds: false, steal: true, isGuest: false });
      this.#connect();
      this.#note('good', `${own.seat.name} is back with what is on its disk`);
    } catch (error) {
      this.#setPhase('failed', RaftkvError.from(error).message);
    } finally {
      this.#isBusy = false;
    }
  }

  async #replace(own: Running): Promise<void> {
    this.#isBusy = true;
    try {
      own.member.drop();
      this.#own = undefined;
      this.#gossip.farewell(own.seat.name);
      await this.#forget(own.seat.name);
      own.seat.leave();
      const seat = await this.#seats.takeNew((name) => this.#gossip.told.has(name) || name === own.seat.name);
      await this.#enter(seat, false);
    } finally {
      this.#isBusy = false;
    }
  }

  async #halted(seat: Seat, error: RaftkvError): Promise<void> {
    const guest = this.#guests.get(seat.name);
    if (guest !== undefined) {
      this.#guests.delete(seat.name);
      await guest.member.close().catch(() => undefined);
      if (error.code === 'member_removed') await this.#forget(seat.name);
      return seat.leave();
    }
    const own = this.#own;
    if (own === undefined || this.#isBusy || this.#isClosed) return;
    this.#note('bad', error.message);
    await own.member.close().catch(() => undefined);
    if (['member_removed', 'member_amnesia', 'storage_missing', 'storage_corrupt'].includes(error.code)) {
      return this.#replace(own);
    }
    this.#setPhase('failed', error.message);
  }

  async #forget(name: string): Promise<void> {
    this.#seats.strike(name);
    this.#gossip.told.forget(name);
    await deleteIndexedDbStorage(this.#seats.storageOf(name)).catch(() => undefined);
  }

  // Telling and hearing

  get #running(): readonly Running[] {
    return [...(this.#own === undefined ? [] : [this.#own]), ...this.#guests.values()];
  }

  #tell(): void {
    this.#gossip.tell();
    this.#refresh();
  }

  #refresh(): void {
    const before = this.view.getSnapshot();
    const after = this.#look();
    this.view.set(after);
    for (const note of notesBetween(before, after)) this.notes.emit(note);
  }

  #look(): RoomView {
    return viewRoom({
      phase: this.#phase,
      problem: this.#problem,
      room: this.#options.room,
      self: this.#own?.seat.name,
      guests: [...this.#guests.keys()],
      tells: this.#gossip.told.newest,
      cut: this.faults.now.cut,
      connected: this.#connected(),
      local: this.#seats.list(),
      now: performance.now(),
    });
  }

  #connected(): ReadonlySet<string> {
    const mesh = this.#own?.member.member?.mesh;
    return new Set(mesh?.status().flatMap(({ name, isConnected }) => (isConnected ? [name] : [])));
  }

  #setPhase(phase: Phase, problem: string | undefined): void {
    this.#phase = phase;
    this.#problem = problem;
    this.#refresh();
  }

  #note(tone: RoomNote['tone'], text: string): void {
    this.notes.emit({ tone, text });
  }

  // Keeping

  #keep(): void {
    if (this.#isBusy || this.#isKeeping || this.faults.isFrozen) return;
    const wish = keep(this.view.getSnapshot(), (name) => this.#gossip.told.silence(name));
    if (wish === undefined) return;
    this.#isKeeping = true;
    void this.#grant(wish)
      .catch(() => undefined)
      .finally(() => (this.#isKeeping = false));
  }

  async #grant(wish: KeeperWish): Promise<void> {
    if (wish.type === 'adopt') return this.adopt(wish.member);
    const { members } = this.#kv!;
    if (wish.type === 'promote') {
      await members.promote(wish.member);
      return;
    }
    await members.remove(wish.member);
    this.#gossip.told.forget(wish.member);
  }

  #others(): readonly string[] {
    const { hints } = this.#options;
    return [...new Set([...this.#gossip.told.names, ...this.#present, ...hints])];
  }

  readonly #onVisibility = (): void => {
    // A hidden tab has slow timers and may be frozen: whoever is visible had better lead.
    if (document.visibilityState === 'hidden') void this.#own?.member.member.handOver().catch(() => undefined);
    this.#tell();
  };

  readonly #onHide = (): void => {
    for (const { seat } of this.#running) this.#gossip.farewell(seat.name);
  };

  #every(milliseconds: number, run: () => void): void {
    this.#timers.push(setInterval(run, milliseconds));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
