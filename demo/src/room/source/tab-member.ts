// One member of a room in this page: its storage in IndexedDB, strict and fenced, its core, its doors, put together by `openMember` with the demo's wrappers
// in between. It can be closed in order, or dropped as if its tab had died. What a room needs of several members is in `tab-room.ts`.
import { askAdmission, serveClient } from '@raftkv/server';
import type { Admission, Member } from '@raftkv/server';
import type { Storage, StorageIdentity } from '@raftkv/storage';
import { openIndexedDbStorage } from '@raftkv/storage/web';
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import type { ChannelPurpose, RelayedLinks, Signalling } from '@raftkv/transport/webrtc';
import { RaftkvError, connect } from 'raftkv';
import type { ClusterKv, Dial } from 'raftkv';
import { browserId } from '../browser-id.ts';
import { composeMember, software } from '../core/compose.ts';
import { CoreWatch } from '../core/core-watch.ts';
import type { MessageSeen } from '../core/core-watch.ts';
import { MemoryFlight } from '../core/memory-flight.ts';
import { faultyClock } from '../faults/faults.ts';
import type { Faults } from '../faults/faults.ts';
import { Roads, addressOf, nameOf } from './roads.ts';
import type { Seat } from './seats.ts';

/** Of a recording in memory, twice. */
const flightLength = 2 * 1024 * 1024;

export interface TabMemberOptions {
  readonly room: string;
  readonly seat: Seat;
  /** Makes the room. Else it is joined, through one of `others`. */
  readonly founds: boolean;
  readonly others: () => readonly string[];
  /** Whether it is to vote once it has caught up. */
  readonly votes: boolean;
  readonly signalling: Signalling;
  readonly relayed: RelayedLinks | undefined;
  readonly faults: Faults;
  /** Take the database from a member that was dropped. */
  readonly steal: boolean;
  /** A tab that wants to tell and hear how things are, rather than take part. */
  readonly onBridge: (channel: Channel) => void;
  readonly onMessage: (seen: MessageSeen) => void;
  readonly onHalt: (error: RaftkvError) => void;
}

/** What the cluster is told of this member: the tabs of one browser fail together. */
const traits = () => ({ kind: 'tab', domain: browserId() }) as const;
type AdminRequest = Parameters<ClusterKv['askMembers']>[0];
type AdminResult = Awaited<ReturnType<ClusterKv['askMembers']>>;

export class TabMember {
  readonly flight = new MemoryFlight();
  readonly watch: CoreWatch;
  readonly roads: Roads;
  readonly name: string;
  member!: Member;
  readonly #options: TabMemberOptions;
  #isDropped = false;

  private constructor(options: TabMemberOptions) {
    const { seat, faults, signalling, relayed } = options;
    this.#options = options;
    this.name = seat.name;
    this.watch = new CoreWatch(this.flight, {
      software,
      now: () => performance.now(),
      maxPartLength: flightLength,
      isLost: faults.isLost,
      onMessage: (seen) => void (this.#isDropped || options.onMessage(seen)),
    });
    this.roads = new Roads({
      room: options.room,
      self: seat.name,
      faults,
      signalling,
      relayed,
      onChannel: (channel, _from, purpose) => this.#welcome(channel, purpose),
    });
  }

  /** Rejects with `storage_*`, `member_removed`, and what a room says that does not let it in. */
  static async open(options: TabMemberOptions): Promise<TabMember> {
    const opened = new TabMember(options);
    try {
      await opened.#compose();
      return opened;
    } catch (error) {
      opened.roads.close();
      throw error;
    }
  }

  /** For the app of this tab: to its own member first, to others where they lead. */
  readonly dial: Dial = async (address, { signal }) => {
    if (nameOf(address) !== this.name) return this.roads.dial(address, signal, 'client');
    const { left, right } = memoryChannelPair();
    serveClient(right, this.member.node);
    return left;
  };

  async close(): Promise<void> {
    await this.member.close({ handOver: true });
    this.roads.close();
  }

  /** Its tab is gone, as far as others can see: no word, no clean-up, and what was not written is lost. Its database stays. */
  drop(): void {
    this.#isDropped = true;
    this.roads.close();
  }

  async #compose(): Promise<void> {
    const { room, seat, faults, founds } = this.#options;
    this.member = await composeMember({
      place: {
        label: 'the database of this tab',
        reopen: () => this.#reopen(),
        create: (identity) => this.#openStorage({ identity, create: true }),
      },
      name: seat.name,
      token: room,
      founders: founds ? [{ name: this.name, address: addressOf(this.name), ...traits() }] : [],
      join: founds ? undefined : (again) => this.#join(again),
      clock: faultyClock(faults, () => this.#isDropped),
      dial: (address, signal) => this.roads.dial(address, signal, 'peer'),
      recorder: this.watch,
      onHalt: (error) => void (this.#isDropped || this.#options.onHalt(error)),
    });
  }

  async #reopen(): Promise<Storage | undefined> {
    try {
      return await this.#openStorage({ create: false });
    } catch (error) {
      if (RaftkvError.from(error).code === 'storage_missing') return undefined;
      throw error;
    }
  }

  #openStorage(how: Pick<Parameters<typeof openIndexedDbStorage>[0], 'identity' | 'create'>): Promise<Storage> {
    return openIndexedDbStorage({
      ...how,
      name: this.#options.seat.storage,
      durability: 'strict',
      steal: this.#options.steal,
      lockWaitMilliseconds: 3_000,
      onFailure: (error) => void (this.#isDropped || this.#options.onHalt(error)),
    });
  }

  async #join(again: StorageIdentity | undefined): Promise<Admission> {
    const { others, votes } = this.#options;
    const endpoints = others().map(addressOf);
    if (endpoints.length === 0) throw new RaftkvError('connect_failed', 'nobody of this room answers');
    const kv: ClusterKv = connect({
      endpoints,
      dial: (address, { signal }) => this.roads.dial(address, signal, 'client'),
    });
    try {
      const ask = (request: AdminRequest): Promise<AdminResult> => {
        const told = request.type === 'add' ? { ...request, ...traits() } : request;
        return kv.askMembers(told, { timeoutMilliseconds: 8_000 });
      };
      return await askAdmission(ask, {
        name: this.name,
        address: addressOf(this.name),
        plan: votes ? 'promote' : 'stay',
        again,
      });
    } finally {
      await kv.close();
    }
  }

  #welcome(channel: Channel, purpose: ChannelPurpose): void {
    if (purpose === 'room') return this.#options.onBridge(channel);
    if (this.member === undefined) return channel.close(new RaftkvError('busy', 'this tab is only opening'));
    if (purpose === 'peer') this.member.mesh.accept(channel);
    else serveClient(channel, this.member.node);
  }
}
