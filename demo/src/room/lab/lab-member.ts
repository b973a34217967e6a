// A member of the laboratory: real core, real storage in IndexedDB with its lock and its fence, in this page and over the laboratory's links. Which rule its storage
// breaks is said when it is opened; it ends in order, or as if its tab had died.
import { serveClient, tabAddress } from '@raftkv/server';
import type { FoundingMember, Member } from '@raftkv/server';
import type { Storage } from '@raftkv/storage';
import { openIndexedDbStorage } from '@raftkv/storage/web';
import type { IndexedDbStorageOptions } from '@raftkv/storage/web';
import { RaftkvError, connect } from 'raftkv';
import type { Kv } from 'raftkv';
import { composeMember, software } from '../core/compose.ts';
import { CoreWatch } from '../core/core-watch.ts';
import type { MessageSeen } from '../core/core-watch.ts';
import { MemoryFlight } from '../core/memory-flight.ts';
import { Faults, faultyClock } from '../faults/faults.ts';
import { acknowledgeEarly, skipFence } from './broken-storage.ts';
import type { EarlyStorage } from './broken-storage.ts';
import type { LabNetwork, Station } from './lab-network.ts';

export type BrokenRule = 'durability' | 'fence' | undefined;

export interface LabMemberOptions {
  /** Of the member: two processes may have it. */
  readonly name: string;
  /** Of the process, for the picture. */
  readonly label: string;
  readonly storage: string;
  readonly token: string;
  readonly founders: readonly FoundingMember[];
  readonly network: LabNetwork;
  readonly side: number;
  readonly broken: BrokenRule;
  /** Takes the storage from whoever has it. */
  readonly steal: boolean;
  readonly onMessage: (from: LabMember, seen: MessageSeen) => void;
  readonly onHalt: (member: LabMember, error: RaftkvError) => void;
}

/** How late the storage writes that acknowledges early. */
const lagMilliseconds = 2_500;
/** One process has all of them, and none is ever hidden. */
const electionTimeoutTicks = 16;

export class LabMember {
  readonly options: LabMemberOptions;
  readonly station: Station;
  readonly watch: CoreWatch;
  member: Member | undefined;
  /** It stopped by itself, and said so. */
  halted: RaftkvError | undefined;
  isDead = false;
  #early: EarlyStorage | undefined;
  #kv: Kv | undefined;

  private constructor(options: LabMemberOptions) {
    this.options = options;
    this.station = {
      address: tabAddress(options.name),
      accept: (channel, purpose) => {
        if (this.member === undefined) return channel.close(new RaftkvError('busy', 'it is only opening'));
        if (purpose === 'peer') this.member.mesh.accept(channel);
        else serveClient(channel, this.member.node);
      },
    };
    this.watch = new CoreWatch(new MemoryFlight(), {
      software,
      now: () => performance.now(),
      maxPartLength: 1 << 20,
      isLost: () => false,
      onMessage: (seen) => void (this.isDead || options.onMessage(this, seen)),
    });
  }

  static async open(options: LabMemberOptions): Promise<LabMember> {
    const { name, token, founders, network, side } = options;
    const opened = new LabMember(options);
    opened.member = await composeMember({
      place: {
        label: `the storage of ${name}`,
        reopen: () => opened.#reopen(),
        create: (identity) => opened.#openStorage({ identity, create: true }),
      },
      name,
      token,
      founders,
      join: undefined,
      clock: faultyClock(new Faults(), () => opened.isDead),
      dial: (address) => network.dial(opened.station, address, 'peer'),
      recorder: opened.watch,
      electionTimeoutTicks,
      onHalt: (error) => {
        opened.halted = error;
        if (!opened.isDead) options.onHalt(opened, error);
      },
    });
    network.add(opened.station, side);
    return opened;
  }

  get label(): string {
    return this.options.label;
  }

  get isLeader(): boolean {
    return !this.isDead && this.halted === undefined && this.watch.look()?.status.role === 'leader';
  }

  /** A client that sits in the same tab. */
  get kv(): Kv {
    const { network } = this.options;
    return (this.#kv ??= connect({
      endpoints: [this.station.address],
      retries: 0,
      dial: (address) => network.dial(this.station, address, 'client'),
    }));
  }

  /** Its tab dies: no word to anybody, and what its storage has not written is gone. */
  kill(): void {
    this.isDead = true;
    this.#early?.lose();
    this.options.network.remove(this.station);
    void this.#kv?.close();
  }

  async close(): Promise<void> {
    this.isDead = true;
    this.#early?.lose();
    this.options.network.remove(this.station);
    await this.#kv?.close();
    await this.member?.close().catch(() => undefined);
  }

  async #reopen(): Promise<Storage | undefined> {
    try {
      return await this.#openStorage({ create: false });
    } catch (error) {
      if (RaftkvError.from(error).code === 'storage_missing') return undefined;
      throw error;
    }
  }

  async #openStorage(how: Pick<IndexedDbStorageOptions, 'identity' | 'create'>): Promise<Storage> {
    const { storage: name, steal, broken } = this.options;
    const storage = await openIndexedDbStorage({
      ...how,
      name,
      durability: 'strict',
      steal,
      onFailure: (error) => {
        // Whoever skips the fence does not hear of it.
        if (broken !== 'fence' || error.code !== 'storage_locked') this.#failed(error);
      },
    });
    if (broken === 'fence') return skipFence(storage);
    if (broken !== 'durability') return storage;
    this.#early = acknowledgeEarly(storage, lagMilliseconds);
    return this.#early.storage;
  }

  #failed(error: RaftkvError): void {
    this.halted = error;
    if (!this.isDead) this.options.onHalt(this, error);
  }
}
