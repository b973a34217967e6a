// Tabs of rooms in one process: browser profiles with what they keep, a network of channels in memory that can be cut, a clock that runs faster than the world's,
// and pages that are seen, hidden, crashed and closed. No browser: that is for `test/browser/`.
import type { MemoryStore } from '@raftkv/storage';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel, ChannelPurpose, MemoryChannelPair } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { joinRoomOn } from '../../src/room/open-room.ts';
import type { Room } from '../../src/room/open-room.ts';
import { memorySlots } from '../../src/room/memory-slots.ts';
import { decodeRoomLink, drawRoomKey, encodeRoomLink } from '../../src/room/room-link.ts';
import type {
  RoomNetwork,
  RoomNetworkOptions,
  RoomPlatform,
  RoomSlot,
  RoomSlots,
  RoomVigil,
} from '../../src/room/room-platform.ts';
import { TabInRoom } from '../../src/room/room.ts';
import type { RoomOptions } from '../../src/room/room-options.ts';

/** How much faster than the world time runs here, at most; and how much of it may pass in one turn of the event loop, so that a busy machine is not a slow network. */
const haste = 10;
const stepMilliseconds = 40;

class StageClock {
  #now = 0;
  #seenAt = performance.now();
  #isRunning = false;
  readonly #timers = new Set<{ readonly at: number; readonly act: () => void }>();

  readonly now = (): number => this.#now;

  readonly schedule = (act: () => void, milliseconds: number): (() => void) => {
    const timer = { at: this.#now + milliseconds, act };
    this.#timers.add(timer);
    this.#run();
    return () => this.#timers.delete(timer);
  };

  readonly defer = (act: () => void): void => void setImmediate(act);

  #run(): void {
    if (this.#isRunning || this.#timers.size === 0) return;
    this.#isRunning = true;
    this.#seenAt = performance.now();
    const turn = (): void => {
      const seenAt = performance.now();
      this.#now += Math.min((seenAt - this.#seenAt) * haste, stepMilliseconds);
      this.#seenAt = seenAt;
      const due = [...this.#timers].filter(({ at }) => at <= this.#now).toSorted((one, two) => one.at - two.at);
      for (const timer of due) if (this.#timers.delete(timer)) timer.act();
      this.#isRunning = this.#timers.size > 0;
      if (this.#isRunning) setTimeout(turn, 1).unref();
    };
    setTimeout(turn, 1).unref();
  }
}

export const clock = new StageClock();

/** Pages here always run; what was to be done soon can be done at once. */
function stageVigil(): RoomVigil {
  let due: (() => void)[] = [];
  const run = (): void => {
    const present = due;
    due = [];
    for (const act of present) act();
  };
  const defer = (act: () => void): void => {
    due.push(act);
    if (due.length === 1) clock.defer(run);
  };
  const flush = (): void => {
    for (let turns = 0; turns < 8 && due.length > 0; turns += 1) run();
  };
  return { clock: { now: clock.now, schedule: clock.schedule, defer }, look: () => false, flush };
}

/** What outlives tabs. */
export class Profile {
  readonly domain: string;
  readonly isEphemeral: boolean;
  /** Nothing can be kept here any more. */
  isFull = false;
  /** Nothing can be kept here at all. */
  isBroken = false;
  /** Another tab is at it, and does not answer. */
  isTaken = false;
  /** Nothing can be removed here any more. */
  isStuck = false;
  readonly rooms = new Map<string, Set<MemoryStore>>();

  constructor(domain: string, { isEphemeral = false } = {}) {
    this.domain = domain;
    this.isEphemeral = isEphemeral;
  }
}

interface Door {
  readonly roomId: string;
  readonly word: string;
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
  readonly onPresence: () => void;
  readonly pairs: Set<MemoryChannelPair>;
  isCut: boolean;
}

/** One page. */
export class Page {
  isVisible = true;
  room!: TabInRoom;
  readonly doors: Door[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #leaving = new Set<(how: 'frozen' | 'away' | 'gone') => void>();
  readonly #returning = new Set<() => void>();
  /** As an app has it, instead of `room`. */
  app: Room | undefined;
  readonly #networkListeners = new Set<() => void>();
  /** How often its network was told to look after itself. */
  networkLooks = 0;
  readonly #claims = new Set<() => void>();
  /** Comes to pass each time that a storage of this page was closed, before whoever closed it goes on. */
  afterClosing: () => Promise<void> = () => Promise.resolve();
  /** Comes to pass each time that a storage of this page is to be made, before it is. */
  beforeCreating: () => Promise<void> = () => Promise.resolve();
  /** Comes to pass each time that a storage of this page is to be opened again, before it is. */
  beforeReopening: () => Promise<void> = () => Promise.resolve();
  /** That was opened last. */
  slot: RoomSlot | undefined;
  /** It did not run for a while, and finds out. */
  gap: () => void = () => undefined;
  readonly #stage: Stage;
  readonly profile: Profile;

  constructor(stage: Stage, profile: Profile) {
    this.#stage = stage;
    this.profile = profile;
  }

  get platform(): RoomPlatform {
    const { profile } = this;
    return {
      clock,
      domain: profile.domain,
      isMobile: false,
      isVisible: () => this.isVisible,
      onVisibility: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      onLeaving: (listener) => {
        this.#leaving.add(listener);
        return () => this.#leaving.delete(listener);
      },
      onReturning: (listener) => {
        this.#returning.add(listener);
        return () => this.#returning.delete(listener);
      },
      onNetwork: (listener) => {
        this.#networkListeners.add(listener);
        return () => this.#networkListeners.delete(listener);
      },
      openVigil: ({ onGap }) => {
        this.gap = () => onGap(60_000);
        return stageVigil();
      },
      version: 'test',
      seed: () => Math.floor(Math.random() * 2 ** 32),
      openSlots: async (roomId) => {
        if (profile.isEphemeral) return memorySlots();
        const kept = profile.rooms.get(roomId) ?? new Set<MemoryStore>();
        profile.rooms.set(roomId, kept);
        return this.#slots(memorySlots(kept));
      },
      openNetwork: (options) => this.#stage.connect(this, options),
    };
  }

  /** As a page has them: what it claimed ends with it. */
  #slots(slots: RoomSlots): RoomSlots {
    const full = new RaftkvError('storage_full', 'the disk is full');
    return {
      ...slots,
      openFree: async (how) => {
        if (this.profile.isTaken) throw new RaftkvError('storage_locked', 'another tab does not answer');
        if (this.profile.isBroken) throw new RaftkvError('storage_failed', 'the browser keeps nothing');
        const found = await slots.openFree(how);
        return { ...found, free: found.free.map((slot) => this.#watch(slot)) };
      },
      create: async (identity) => {
        if (this.profile.isBroken) throw new RaftkvError('storage_failed', 'the browser keeps nothing');
        if (this.profile.isFull) throw full;
        await this.beforeCreating();
        return this.#watch(await slots.create(identity));
      },
      claim: async (what, how) => {
        const release = await slots.claim(what, how);
        if (release !== undefined) this.#claims.add(release);
        return release;
      },
    };
  }

  #watch(slot: RoomSlot): RoomSlot {
    this.slot = slot;
    const { reopen, storage } = slot;
    const close = storage.close.bind(storage);
    storage.close = async () => {
      await close();
      await this.afterClosing();
    };
    const { remove } = slot;
    const locked = new RaftkvError('storage_locked', 'another tab holds it open');
    return Object.assign(slot, {
      reopen: async () => {
        await this.beforeReopening();
        return this.#watch(await reopen());
      },
      remove: () => (this.profile.isStuck ? Promise.reject(locked) : remove()),
    });
  }

  show(isVisible: boolean): void {
    this.isVisible = isVisible;
    for (const listener of this.#listeners) listener();
  }

  /** The machine is on another network. */
  move(): void {
    for (const listener of this.#networkListeners) listener();
  }

  /** Closed or frozen, as pages are: it hears of it, and has no time. */
  close(how: 'frozen' | 'away' | 'gone' = 'gone'): void {
    for (const listener of this.#leaving) listener(how);
    if (how === 'gone') this.#stage.gone(this);
  }

  /** Out of the browser's cache. */
  comeBack(): void {
    for (const listener of this.#returning) listener();
  }

  /** The process is killed: nobody hears a word. */
  crash(): void {
    this.cut();
    for (const stores of this.profile.rooms.values()) {
      // Whoever held a lock is gone; the room object goes on for itself, with a storage that nobody else sees.
      for (const store of stores) {
        if (!store.isLocked || store.identity?.memberId !== this.memberId) continue;
        stores.delete(store);
        stores.add({ ...store, isLocked: false, entries: [...store.entries], notes: new Map(store.notes) });
      }
    }
    for (const release of this.#claims) release();
    this.#stage.gone(this);
    void this.room.leave().catch(() => undefined);
  }

  get memberId(): string | undefined {
    return this.room.memberId;
  }

  /** No way to anybody, until it is mended. */
  cut(): void {
    for (const door of this.doors) {
      door.isCut = true;
      for (const pair of door.pairs) pair.cut();
    }
    this.#stage.tellPresence();
  }

  mend(): void {
    for (const door of this.doors) door.isCut = false;
    this.#stage.tellPresence();
  }
}

export class Stage {
  readonly pages = new Set<Page>();
  options: RoomOptions = {
    electionTimeoutMilliseconds: 1_000,
    policy: { stableMilliseconds: 500, steadyMilliseconds: 1_000, hiddenMilliseconds: 5_000, goneMilliseconds: 5_000 },
  };
  /** What pages say beside that, each for itself. */
  optionsOf: (page: Page) => RoomOptions = () => ({});
  readonly key = drawRoomKey('test');
  readonly link = encodeRoomLink(this.key, 'http://h/');

  async create(profile = new Profile('p1')): Promise<Page> {
    return this.#open(profile, 'found');
  }

  async enter(profile: Profile): Promise<Page> {
    return this.#open(profile, 'join');
  }

  /** Ends whatever is left. */
  async close(): Promise<void> {
    for (const { app, room } of this.pages) if (app === undefined) room.abandon();
    await Promise.all([...this.pages].map(({ app, room }) => (app ?? room).leave().catch(() => undefined)));
  }

  /** As an app does. */
  async join(profile: Profile): Promise<{ readonly page: Page; readonly room: Room }> {
    const page = new Page(this, profile);
    this.pages.add(page);
    page.app = await joinRoomOn(page.platform, this.link, { ...this.options, base: 'http://h/' });
    return { page, room: page.app };
  }

  gone(page: Page): void {
    this.pages.delete(page);
  }

  connect(page: Page, { roomId, word, onChannel, onPresence }: RoomNetworkOptions): RoomNetwork {
    const door: Door = { roomId, word, onChannel, onPresence, pairs: new Set(), isCut: false };
    page.doors.push(door);
    queueMicrotask(() => this.tellPresence());
    const others = (): Door[] =>
      door.isCut ? [] : this.#doors.filter((each) => each !== door && each.roomId === roomId && !each.isCut);
    return {
      get present() {
        return others().map((each) => each.word);
      },
      dial: async (to, { purpose = 'peer' }) => {
        const other = others().find((each) => each.word === to);
        if (other === undefined || !page.doors.includes(door))
          throw new RaftkvError('connect_failed', `${to} is not here`);
        const pair = memoryChannelPair();
        door.pairs.add(pair);
        other.pairs.add(pair);
        other.onChannel(pair.right, word, purpose);
        return pair.left;
      },
      networkChanged: () => (page.networkLooks += 1),
      close: () => {
        page.doors.splice(page.doors.indexOf(door), 1);
        this.tellPresence();
      },
    };
  }

  tellPresence(): void {
    for (const { onPresence } of this.#doors) onPresence();
  }

  get #doors(): Door[] {
    return [...this.pages].flatMap(({ doors }) => doors);
  }

  async #open(profile: Profile, type: 'found' | 'join'): Promise<Page> {
    const page = new Page(this, profile);
    this.pages.add(page);
    const options = { ...this.options, ...this.optionsOf(page) };
    page.room = await TabInRoom.open(decodeRoomLink(this.link), page.platform, options, { type });
    return page;
  }
}
