// A tab in a room: its network, its channels to the others, the member while it is one, and the copy that the app reads, put together. Every change of part, from
// observer to voter and back, is made here; who should vote is for the policy, and what is told of all for `room-status.ts`.
import type { LiveKv } from '@raftkv/client';
import type { LiveValue } from '@raftkv/client/live';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { dialMember } from './dial-member.ts';
import { beginHome, giveBack, isUnusable, setAsideFor } from './room-beginning.ts';
import type { Beginning, HowToBegin } from './room-beginning.ts';
import { RoomClaims } from './room-claims.ts';
import { RoomFace } from './room-face.ts';
import type { TabParts } from './room-face.ts';
import { refusalToGoOn } from './room-going-on.ts';
import type { RoomHome } from './room-home.ts';
import { drawWord, roomIdOf } from './room-link.ts';
import type { RoomKey } from './room-link.ts';
import type { LogEnd, TabReport } from './room-message.ts';
import { describeDeparture } from './room-departure.ts';
import type { RoomDeparture } from './room-departure.ts';
import { RoomSeat, isForgotten } from './room-seat.ts';
import { RoomMove } from './room-move.ts';
import { RoomPeers } from './room-peers.ts';
import { describeTab } from './room-report.ts';
import { RoomScene } from './room-scene.ts';
import type { RoomNetwork, RoomPlatform, RoomSlots } from './room-platform.ts';
import { priorityOf, roomDefaults } from './room-options.ts';
import type { RoomOptions } from './room-options.ts';
import type { TabInSight } from './room-overview.ts';
import { describeRoom } from './room-status.ts';
import type { RoomStatus } from './room-status.ts';
import { RoomTelling } from './room-telling.ts';
import type { RoomWords } from './room-words.ts';
import { findUnmerged } from './unmerged.ts';
import type { Unmerged } from './unmerged.ts';

export class TabInRoom<Value = unknown> {
  readonly word: string;
  readonly #key: RoomKey;
  readonly #platform: RoomPlatform;
  readonly #options: RoomOptions<Value>;
  readonly #slots: RoomSlots;
  readonly #face: RoomFace<Value>;
  readonly #network: RoomNetwork;
  readonly #peers: RoomPeers;
  readonly #openedAt: number;
  readonly #watches: readonly ((() => void) | undefined)[];
  readonly #scene: RoomScene;
  readonly #claims: RoomClaims;
  readonly #telling: RoomTelling;
  /** Undefined: passed on, or given back. */
  #words: RoomWords | undefined;
  readonly #setAside: RaftkvError[];
  #visibleSince: number;
  readonly #seat: RoomSeat;
  #phase: RoomStatus['phase'] = 'open';
  /** The page was left and may come back: what the app holds stays. */
  isAway = false;
  readonly #move = new RoomMove(() => this.#closing !== undefined);
  #closing: Promise<void> | undefined;
  #leaving: Promise<RoomDeparture> | undefined;
  #departure: RoomDeparture | undefined;

  static async open<Value>(
    key: RoomKey,
    platform: RoomPlatform,
    options: RoomOptions<Value>,
    begin: HowToBegin<TabInRoom<Value>>,
  ): Promise<TabInRoom<Value>> {
    const former = begin.type === 'return' ? begin.former : undefined;
    let slots = 'slots' in begin ? begin.slots : await platform.openSlots(roomIdOf(key));
    const setAside: RaftkvError[] = [];
    for (;;) {
      const self = { word: drawWord(), domain: platform.domain };
      const beginning = await beginHome(begin, slots, self, { isSomeSetAside: setAside.length > 0 });
      const { home, leftBehind } = beginning;
      ({ slots } = beginning);
      setAside.push(...beginning.setAside);
      let room: TabInRoom<Value> | undefined;
      try {
        room = new TabInRoom<Value>(beginning, former, { key, platform, options, setAside });
        await room.#begin(home);
        // What cannot be forgotten now is at the next start.
        for (const slot of leftBehind) await slot.remove().catch(() => undefined);
        return room;
      } catch (error) {
        if (room !== undefined) room.isAway = former !== undefined;
        if (room !== undefined) await room.#close().catch(() => undefined);
        for (const slot of leftBehind) await slot.release();
        if (room === undefined || begin.type === 'found') await giveBack(beginning, begin);
        if (room === undefined || home === undefined || (begin.type !== 'join' && begin.type !== 'return')) throw error;
        // Another one may do: what was kept of this one is of no use to anybody, or cannot be read and stays as it is.
        if (isForgotten(error)) await home.slot.remove();
        else if (isUnusable(error)) setAside.push(setAsideFor(home.slot, error));
        else throw error;
      }
    }
  }

  private constructor(
    { slots, word, words }: Beginning,
    former: TabInRoom<Value> | undefined,
    { key, platform, options, setAside }: TabParts<Value>,
  ) {
    this.#setAside = setAside;
    this.#words = words;
    this.#key = key;
    this.#platform = platform;
    this.#options = options;
    this.#slots = slots;
    this.word = word;
    this.#openedAt = this.#visibleSince = platform.clock.now();
    this.#network = platform.openNetwork({
      roomId: roomIdOf(key),
      secret: key.secret,
      word,
      onChannel: (channel, from, purpose) =>
        purpose === 'room' ? this.#peers.accept(channel, from) : this.#seat.accept(channel, purpose),
      onPresence: () => this.#peers?.look(),
    });
    this.#peers = new RoomPeers({
      word,
      network: this.#network,
      clock: platform.clock,
      report: () => this.#report(),
      onMessage: (from, message) => {
        this.#seat.hear(from, message);
        this.#telling.changed();
      },
      onChange: () => {
        this.#claims.hear(this.#scene.companions(this.clusterId));
        this.#telling.changed();
      },
    });
    this.#scene = new RoomScene(this.#peers);
    this.#claims = new RoomClaims(platform.clock, () => this.#peers.tell());
    this.#telling = new RoomTelling({
      clock: platform.clock,
      tellOthers: () => this.#peers.tell(),
      show: () => this.#face.show(this, this.#describe()),
    });
    this.#seat = new RoomSeat({
      word,
      slots,
      platform,
      network: this.#network,
      policy: options.policy ?? {},
      inside: options.inside ?? {},
      electionTimeoutMilliseconds: options.electionTimeoutMilliseconds ?? roomDefaults.electionTimeoutMilliseconds,
      priority: () => priorityOf(platform),
      tabs: () => this.#tabs(),
      send: (to, message) => this.#peers.send(to, message),
      onChange: () => this.#telling.changed({ isToTell: true }),
      onSetAside: (error) => void this.#setAside.push(error),
      isOver: () => this.#phase !== 'open' || this.#closing !== undefined,
    });
    [this.#seat.error] = setAside;
    if (former !== undefined) ({ clusterId: this.#seat.clusterId, lineage: this.#seat.lineage } = former.#seat);
    this.#face = former === undefined ? new RoomFace(this, this.#describe()) : former.#face;
    this.#watches = [
      platform.onVisibility(() => this.#seenOrHidden()),
      platform.onLeaving?.((how) => (how === 'frozen' ? this.handOver() : this.abandon(how))),
      platform.onNetwork?.(() => [this.#seat, this.#peers].forEach((each) => each.networkChanged())),
    ];
  }

  #seenOrHidden(): void {
    this.#visibleSince = this.#platform.clock.now();
    this.#seat.member?.setPriority(priorityOf(this.#platform), this.#platform.isVisible());
    this.#peers.tell();
    this.#telling.changed();
  }

  async #begin(home: RoomHome | undefined): Promise<void> {
    if (home !== undefined) await this.#seat.take(home);
    this.#peers.start();
    await this.#face.turnTo(this, this.#key, this.#platform.clock, this.#options);
    this.#face.show(this, this.#describe());
  }

  /** For the copy of the app. */
  async dial(endpoint: string, signal: AbortSignal): Promise<Channel> {
    if (this.#closing !== undefined) throw new RaftkvError('connect_failed', 'this tab is not in the room');
    const parts = { word: this.word, seat: this.#seat, network: this.#network, clusters: this.#scene.clusters };
    return dialMember(parts, endpoint, signal);
  }

  get kv(): LiveKv<Value> {
    return this.#face.kv!;
  }

  get status(): Pick<LiveValue<RoomStatus>, 'subscribe' | 'getSnapshot' | 'getServerSnapshot'> {
    return this.#face.status;
  }

  /** See `Room.leave`. */
  leave(): Promise<RoomDeparture> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<RoomDeparture> {
    if (this.#closing === undefined) {
      this.#phase = 'leaving';
      this.#peers.tell();
      this.#telling.changed();
      await this.#letGo();
    }
    this.#departure ??= describeDeparture(this.#describe(), this.#seat.isKept);
    this.isAway = false;
    this.#sayFarewell();
    await this.#close();
    this.#phase = 'left';
    await this.#face.end(this, this.#describe());
    return this.#departure;
  }

  /** Perhaps the page does not run again soon: somebody else leads. */
  handOver(): void {
    this.#seat.member?.handOver();
  }

  /** At once, within this turn, as a page does that is about to go: the others hear a last word, and no storage is waited for. `away`: it may come back. */
  abandon(how: 'gone' | 'away' = 'gone'): void {
    if (this.#closing !== undefined) return;
    this.isAway = how === 'away' && this.#phase === 'open' && !this.#move.isUnderWay;
    this.#sayFarewell();
    this.#network.flush?.();
    this.#close().catch(() => undefined);
  }

  /** The same tab once more, with what is kept of it: what it knew beside that is worth nothing. Under the same copy and status, which end if it rejects (`storage_*`). */
  async comeBack(): Promise<TabInRoom<Value>> {
    try {
      await this.#closing?.catch(() => undefined);
      await this.#seat.release();
      const { lineage } = this.#seat;
      const begin = { type: 'return', former: this, slots: this.#slots, word: this.word, lineage } as const;
      return await TabInRoom.open(this.#key, this.#platform, this.#options, begin);
    } catch (error) {
      [this.isAway, this.#phase, this.#seat.error] = [false, 'left', RaftkvError.from(error)];
      await this.#face.end(this, this.#describe());
      throw error;
    }
  }

  /** See `Room.goOnFromHere`. */
  goOnFromHere({ isLessEnough = false } = {}): Promise<TabInRoom<Value>> {
    return this.#move.make(async () => {
      const { clusterId, logEnd } = this.#expectLost(isLessEnough);
      let words: RoomWords | undefined;
      try {
        await this.#claims.stake({ word: this.word, logEnd }, () => this.#scene.companions(clusterId));
        // Time has passed, in which somebody may have come back.
        this.#expectLost(isLessEnough);
        const { home, leftBehind } = await this.#seat.goOn(clusterId);
        if (this.#closing !== undefined) {
          await Promise.all([home.slot.release(), leftBehind.release()]);
          throw new RaftkvError('closed', 'this tab left the room');
        }
        words = this.#passOnWords();
        await this.#close();
        const begin = { type: 'home', home, slots: this.#slots, words, leftBehind: [leftBehind] } as const;
        return await TabInRoom.open(this.#key, this.#platform, this.#options, begin);
      } catch (error) {
        this.#claims.withdraw();
        words?.keep(undefined);
        throw error;
      }
    });
  }

  #expectLost(isLessEnough: boolean): { readonly clusterId: string; readonly logEnd: LogEnd } {
    const refusal = refusalToGoOn(this.#describe(), { isMember: this.memberId !== undefined, isLessEnough });
    if (refusal !== undefined) throw refusal;
    return { clusterId: this.clusterId!, logEnd: this.#seat.member!.logEnd };
  }

  /** See `Room.joinAnew`. */
  joinAnew(): Promise<TabInRoom<Value>> {
    return this.#move.make(async () => {
      const own = this.clusterId;
      if (!this.#scene.clusters.some(({ clusterId }) => clusterId !== own))
        throw new RaftkvError('not_found', 'no other cluster of this room is there to join');
      // Nobody else takes it until it is gone.
      const words = this.#passOnWords();
      try {
        await this.#close();
        const room = await TabInRoom.open(this.#key, this.#platform, this.#options, { type: 'join', isFresh: true });
        const left = await this.#seat.forget();
        if (left !== undefined) room.#setAside.push(left);
        room.#telling.changed();
        return room;
      } finally {
        words.keep(undefined);
      }
    });
  }

  /** They do not end with this room. */
  #passOnWords(): RoomWords {
    const words = this.#words!;
    this.#words = undefined;
    return words;
  }

  /** See `Room.unmerged`. */
  async unmerged(): Promise<Unmerged> {
    const successor = this.#scene.successor(this.clusterId);
    if (successor === undefined)
      throw new RaftkvError('not_found', 'nobody of a room that went on without this one is there');
    const own = { copy: this.kv, member: this.#seat.member, codec: this.#options.codec };
    return findUnmerged({ ...own, successor, former: this.clusterId, network: this.#network });
  }

  /** Undefined: it is none. */
  get memberId(): string | undefined {
    return this.#seat.member?.id;
  }

  get clusterId(): string | undefined {
    return this.#seat.member?.clusterId ?? this.#seat.clusterId;
  }

  #report(): TabReport {
    return describeTab({
      platform: this.#platform,
      seat: this.#seat,
      clusterId: this.clusterId,
      visibleSince: this.#visibleSince,
      openedAt: this.#openedAt,
      isEphemeral: this.#slots.keeping().kind === 'memory',
      isLeaving: this.#phase !== 'open',
      said: this.#claims.said,
    });
  }

  #tabs(): TabInSight[] {
    const own = { word: this.word, ...this.#report() };
    return [own, ...this.#scene.companions(this.clusterId).map(({ word, report }) => ({ ...report, word }))];
  }

  #describe(): RoomStatus {
    return describeRoom({
      ...this.#scene.look(this.clusterId, this.#seat.member?.members),
      name: this.#key.name,
      phase: this.#phase,
      clusterId: this.clusterId,
      lineage: this.#seat.lineage,
      self: { word: this.word, ...this.#report() },
      error: this.#seat.error,
      setAside: this.#setAside,
      departure: this.#departure,
      keeping: this.#slots.keeping(),
    });
  }

  /** Until the others have let this member go, if there is anybody who can. */
  #letGo(): Promise<void> {
    const { clock } = this.#platform;
    const deadline = clock.now() + (this.#options.leaveMilliseconds ?? roomDefaults.leaveMilliseconds);
    const isAnybodyThere = (): boolean => this.#scene.companions(this.clusterId).length > 0;
    return this.#seat.leave({ isInTime: () => clock.now() < deadline, isAnybodyThere });
  }

  #sayFarewell(): void {
    if (this.#phase === 'left' || this.#closing !== undefined) return;
    this.#phase = 'left';
    const alone = this.#scene.companions(this.clusterId).length === 0;
    this.#peers.sendAll({ type: 'farewell', voice: alone ? undefined : this.#seat.member?.giveVoice() });
  }

  #close(): Promise<void> {
    this.#closing ??= this.#takeApart();
    return this.#closing;
  }

  async #takeApart(): Promise<void> {
    const isAway = this.isAway;
    this.#phase = isAway ? 'away' : 'left';
    for (const stop of this.#watches) stop?.();
    const stopped = this.#seat.stop();
    this.#peers.close();
    if (!isAway) await this.#face.kv?.close();
    const ending = this.#seat.member?.close();
    // A page that holds locks, or has ways to others, is not kept to be come back to.
    if (isAway) this.#letNetworkGo();
    try {
      await ending;
      await stopped;
    } finally {
      if (!isAway) this.#letNetworkGo();
    }
  }

  #letNetworkGo(): void {
    this.#network.close();
    this.#words?.keep(undefined);
    this.#face.show(this, this.#describe());
  }
}
