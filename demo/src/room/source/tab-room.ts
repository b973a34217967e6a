// A room as this tab is in it: `raftkv/room`, on ways that the page brings (`roads.ts`) and with an ear at the core of its member, told to the others and drawn from
// what they tell. The composition root of the room's page; what is broken on purpose goes through `faults/`, and who votes is the room's own business.
import type { Member } from '@raftkv/server';
import { tabWord } from '@raftkv/server';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from 'raftkv';
import type { LiveKv } from 'raftkv';
import { keptWrites } from 'raftkv/outbox';
import { createRoom, joinRoom } from 'raftkv/room';
import type { Room, RoomInside, RoomNetworkOptions, Unmerged, WebRoomOptions } from 'raftkv/room';
import { software, timing } from '../core/compose.ts';
import { CoreWatch } from '../core/core-watch.ts';
import { MemoryFlight } from '../core/memory-flight.ts';
import { Faults, withFaults } from '../faults/faults.ts';
import { Observable } from '../../model/observable.ts';
import { Bridges } from './bridges.ts';
import { Emitter } from './emitter.ts';
import { Gossip } from './gossip.ts';
import type { Teller } from './gossip.ts';
import { HeldRoom } from './held-room.ts';
import type { HubMessage } from './hub.ts';
import { Roads } from './roads.ts';
import { notesBetween } from './room-notes.ts';
import type { Flight, Invitations, RoomNote, RoomSource } from './room-source.ts';
import { silenceMilliseconds, viewRoom } from './room-view.ts';
import type { Phase, RoomView } from './room-view.ts';
import { hasRelay } from './signalling.ts';
import { nameOf } from './tab-names.ts';

export interface TabRoomOptions {
  /** Of the room. Undefined: it is made. */
  readonly link: string | undefined;
  /** Another browser, met by an invitation. */
  readonly bridge: Channel | undefined;
  /** The room is open, under this link. */
  readonly onLink: (link: string) => void;
}

/** As the room's platform has it. */
type TabSlot = Awaited<
  ReturnType<Awaited<ReturnType<Parameters<NonNullable<RoomInside['platform']>>[0]['openSlots']>>['create']>
>;

const tellMilliseconds = 200;
/** Of a recording in memory, twice. */
const flightLength = 2 * 1024 * 1024;
/** Whoever looks at this page has less patience than most. */
const patience = {
  stableMilliseconds: 700,
  steadyMilliseconds: 3_000,
  hiddenMilliseconds: 30_000,
  goneMilliseconds: 8_000,
} as const;

export class TabRoom implements RoomSource {
  readonly faults = new Faults();
  readonly notes = new Emitter<RoomNote>();
  readonly view: Observable<RoomView>;
  readonly #options: TabRoomOptions;
  readonly #gossip = new Gossip(() => this.#refresh());
  readonly #held = new HeldRoom({
    onHeld: (room) => this.#hold(room),
    onLost: (problem) => this.#setPhase('failed', problem),
  });
  #isRelayed = false;
  #bridges: Bridges | undefined;
  #stopWatching: () => void = () => undefined;
  #roads: Roads | undefined;
  readonly #slots = new Set<TabSlot>();
  #member: Member | undefined;
  #watch: CoreWatch | undefined;
  #flight: MemoryFlight | undefined;
  #phase: Phase = 'opening';
  #problem: string | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  constructor(options: TabRoomOptions) {
    this.#options = options;
    this.view = new Observable(this.#look());
  }

  get flights(): Emitter<Flight> {
    return this.#gossip.flights;
  }

  get invitations(): Invitations {
    return this.#gossip;
  }

  get kv(): LiveKv | undefined {
    return this.#held.room?.kv;
  }

  /** Settles once this tab is in the room, or cannot be; the view says which. */
  async open(): Promise<void> {
    const { bridge, link } = this.#options;
    this.#gossip.start(() => this.#teller);
    if (bridge !== undefined) this.#gossip.addBridge(bridge);
    this.#timer = setInterval(() => this.#tell(), tellMilliseconds);
    document.addEventListener('visibilitychange', this.#onVisibility);
    window.addEventListener('pagehide', this.#onHide);
    this.#isRelayed = await hasRelay();
    const entered = this.#held.become(() =>
      link === undefined ? createRoom({ ...this.#given, name: 'room' }) : joinRoom(link, this.#given),
    );
    await entered.catch(() => undefined);
  }

  say(message: HubMessage): void {
    this.#gossip.hub.say(message);
  }

  listen(listener: (message: HubMessage) => void): () => void {
    return this.#gossip.messages.listen(listener);
  }

  trace(): string | undefined {
    return this.#flight?.text();
  }

  async kill(): Promise<void> {
    const { name, room } = this.#own;
    this.#note('bad', `${name} was killed: nobody heard a word of it`);
    await this.#held.become(async () => {
      this.#roads?.die();
      await room.leave();
      await pause(1_000);
      return joinRoom(room.link, this.#given);
    });
    this.#note('good', `${name} is back with what is on its disk`);
  }

  async loseStorage(): Promise<void> {
    const { name, room } = this.#own;
    this.#note('bad', `${name} lost its storage, and with it its place: it comes back as another`);
    await this.#held.become(async () => {
      this.#roads?.die();
      await room.leave();
      for (const slot of this.#slots) await slot.remove();
      this.#slots.clear();
      return joinRoom(room.link, this.#given);
    });
  }

  async leave(): Promise<void> {
    const { room, word } = this.#own;
    await room.leave();
    this.#gossip.farewell(word);
    this.#setPhase('left', undefined);
  }

  async goOnFromHere({ isLessEnough }: { readonly isLessEnough: boolean }): Promise<void> {
    const { room } = this.#own;
    await this.#held.become(() => room.goOnFromHere({ confirm: true, isLessEnough }));
    this.#note('plain', 'This tab goes on with all that its log held, agreed or not; voters that come back are told');
  }

  unmerged(): Promise<Unmerged> {
    return this.#own.room.unmerged();
  }

  async joinAnew(): Promise<void> {
    const { room } = this.#own;
    await this.#held.become(() => room.joinAnew({ confirm: true }));
    this.#note('plain', 'This tab is in the room that went on');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    window.removeEventListener('pagehide', this.#onHide);
    clearInterval(this.#timer);
    this.#stopWatching();
    this.#bridges?.close();
    this.#onHide();
    await this.#held.room?.leave();
    this.#gossip.hub.close();
  }

  // The room

  get #own(): { readonly room: Room; readonly word: string; readonly name: string } {
    const { room, isBusy } = this.#held;
    if (room === undefined || isBusy) throw new RaftkvError('busy', 'this tab is on its way into the room');
    const { word } = room.status.getSnapshot().self;
    return { room, word, name: nameOf(word) };
  }

  #hold(room: Room): void {
    this.#stopWatching();
    if (this.#isClosed) return void room.leave().catch(() => undefined);
    this.#stopWatching = room.status.subscribe(() => this.#refresh());
    this.#options.onLink(room.link);
    this.#setPhase('running', undefined);
    this.#gossip.tell();
  }

  get #given(): WebRoomOptions {
    return {
      // Within this browser; the ways beyond are the page's own.
      signalling: 'tabs',
      policy: patience,
      outbox: keptWrites({ name: 'demo' }),
      electionTimeoutMilliseconds: timing.tickMilliseconds * timing.electionTimeoutTicks,
      inside: this.#inside,
    };
  }

  get #inside(): RoomInside {
    return {
      platform: (given) => ({
        ...given,
        clock: withFaults(given.clock, this.faults),
        ...(given.openVigil === undefined
          ? {}
          : {
              openVigil: (how) => {
                const vigil = given.openVigil!(how);
                const look: typeof vigil.look = (shown) => !this.faults.isFrozen && vigil.look(shown);
                return { clock: withFaults(vigil.clock, this.faults), look, flush: () => vigil.flush() };
              },
            }),
        openNetwork: (options) => this.#openRoads(options),
        openSlots: async (roomId) => {
          const slots = await given.openSlots(roomId);
          return {
            ...slots,
            openFree: async (how) => {
              const found = await slots.openFree(how);
              for (const slot of found.free) this.#keepInMind(slot);
              return found;
            },
            create: async (identity) => this.#keepInMind(await slots.create(identity)),
          };
        },
      }),
      replica: () => ({ recorder: this.#record(), snapshotThreshold: 2_000 }),
      onMember: (member) => {
        this.#member = member;
        if (member === undefined) this.#watch = undefined;
      },
    };
  }

  /** What this tab has of storages, to be lost on purpose. */
  #keepInMind<S extends TabSlot>(slot: S): S {
    const { release } = slot;
    this.#slots.add(slot);
    return Object.assign(slot, {
      release: () => {
        this.#slots.delete(slot);
        return release();
      },
    });
  }

  #openRoads(options: RoomNetworkOptions): Roads {
    const { roomId, secret, word } = options;
    const { hub, told, addBridge } = this.#gossip;
    hub.join(roomId);
    this.#roads = new Roads({ ...options, hub, faults: this.faults, isRelayed: this.#isRelayed });
    if (this.#isRelayed) {
      this.#bridges?.close();
      const isHeard = (other: string): boolean => told.silence(other) < silenceMilliseconds;
      this.#bridges = new Bridges({ roomId, secret, word, isHeard, onBridge: addBridge });
    }
    return this.#roads;
  }

  #record(): CoreWatch {
    this.#flight = new MemoryFlight();
    const watch = new CoreWatch(this.#flight, {
      software,
      now: () => performance.now(),
      maxPartLength: flightLength,
      isLost: this.faults.isLost,
      onMessage: (seen) => void (this.#watch === watch && this.#gossip.seen(seen)),
    });
    this.#watch = watch;
    return watch;
  }

  // Telling and hearing

  get #teller(): Teller | undefined {
    const [watch, member, roads] = [this.#watch, this.#member, this.#roads];
    const word = this.#held.room?.status.getSnapshot().self.word;
    if (watch === undefined || member === undefined || roads === undefined || word === undefined || this.#held.isBusy)
      return undefined;
    return {
      word,
      watch,
      wordOf: (id) => tabWord(member.roster.get(id)?.address ?? '') ?? id,
      linkTo: (other) => roads.kindOf(other),
      isFrozen: this.faults.isFrozen,
    };
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
      link: this.#held.room?.link,
      status: this.#held.room?.status.getSnapshot(),
      kept: this.kv?.outbox?.status.getSnapshot(),
      tells: this.#gossip.told.newest,
      cut: this.faults.now.cut,
      now: performance.now(),
    });
  }

  #setPhase(phase: Phase, problem: string | undefined): void {
    this.#phase = phase;
    this.#problem = problem;
    this.#refresh();
  }

  #note(tone: RoomNote['tone'], text: string): void {
    this.notes.emit({ tone, text });
  }

  readonly #onVisibility = (): void => this.#tell();

  readonly #onHide = (): void => {
    const word = this.#held.room?.status.getSnapshot().self.word;
    if (word !== undefined) this.#gossip.farewell(word);
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
