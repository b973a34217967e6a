// Where tabs of one process feed each other: replicas with a swarm each, over a small cluster and memory channels. A tab can be made a liar (what it sends is
// changed on its way), and whatever a replica shows is compared with the cluster's history.
import assert from 'node:assert/strict';
import { connect } from '@raftkv/client';
import type { Kv, LiveKv } from '@raftkv/client';
import type { Channel } from '@raftkv/transport';
import { memoryChannelPair } from '@raftkv/transport';
import type { MemoryChannelPair } from '@raftkv/transport';
import { RaftkvError, StateDigest } from '@raftkv/wire';
import { onTestFinished } from 'vitest';
import { Swarm } from '../../src/feeders/index.ts';
import type { SwarmNet, SwarmOptions, SwarmStatus } from '../../src/feeders/index.ts';
import { decodeFeederMessage, encodeFeederMessage } from '../../src/feeders/peer-talk.ts';
import type { FeederMessage } from '../../src/feeders/peer-talk.ts';
import { openReplica } from '../../src/index.ts';
import type { CopyLender, LentCopy, OpenReplicaOptions } from '../../src/index.ts';
import { SmallCluster, until } from '../small-cluster.ts';
import type { SmallClusterOptions } from '../small-cluster.ts';

/** What becomes of a message of a feeder: nothing, itself, others. */
export type Lie = (message: FeederMessage) => readonly FeederMessage[];

interface Place {
  readonly accept: (channel: Channel) => void;
  offer: string | undefined;
  lie: Lie | undefined;
  readonly pairs: Set<MemoryChannelPair>;
}

export class Park {
  readonly cluster: SmallCluster;
  readonly #places = new Map<string, Place>();
  /** Who was dialled, in order. */
  readonly dialled: string[] = [];

  private constructor(cluster: SmallCluster) {
    this.cluster = cluster;
  }

  static async open(options: SmallClusterOptions = {}): Promise<Park> {
    return new Park(await SmallCluster.start(options));
  }

  get revision(): number {
    return this.cluster.revision;
  }

  client(): Kv {
    const { endpoints, dial } = this.cluster;
    const kv = connect({ endpoints, dial, retryDelayMilliseconds: 5 });
    onTestFinished(() => kv.close());
    return kv;
  }

  async tab(
    id: string,
    options: Partial<SwarmOptions> & {
      readonly lie?: Lie;
      readonly replica?: Partial<OpenReplicaOptions>;
      readonly prefixes?: readonly string[];
      /** Default true: what it shows is compared from its first moment on. */
      readonly isTrue?: boolean;
    } = {},
  ): Promise<Tab> {
    const { lie, replica, prefixes = [''], isTrue = true, ...rest } = options;
    const swarm = new Swarm({
      selfId: id,
      secret: 'the secret of the test',
      dial: this.cluster.dial,
      openNet: ({ onChannel }) => this.#enter(id, onChannel, lie),
      patienceMilliseconds: 1_500,
      seekMilliseconds: 5_000,
      lookMilliseconds: 40,
      markMilliseconds: 2,
      uploadBytesPerSecond: 100_000_000,
      ...rest,
    });
    let lender: CopyLender | undefined;
    const kv = await openReplica({
      endpoints: this.cluster.endpoints,
      retryDelayMilliseconds: 5,
      dial: swarm.dial,
      lend: (lent) => {
        lender = lent;
        swarm.lend(lent);
      },
      ranges: prefixes.map((prefix) => ({ prefix })),
      ...(prefixes[0] === '' ? { ranges: [] } : {}),
      ...replica,
    });
    const tab = new Tab(this, id, swarm, kv, () => lender?.copy);
    tab.prefixes = prefixes;
    tab.isTrue = isTrue;
    onTestFinished(() => tab.close());
    return tab;
  }

  #enter(id: string, accept: (channel: Channel) => void, lie: Lie | undefined): SwarmNet {
    const place: Place = { accept, offer: undefined, lie, pairs: new Set() };
    this.#places.set(id, place);
    return {
      announce: (offer) => (place.offer = offer),
      find: async () =>
        [...this.#places].flatMap(([other, { offer }]) =>
          other === id || offer === undefined ? [] : [{ id: other, offer }],
        ),
      dial: async (other) => this.#dial(other),
      close: () => this.#places.delete(id),
    };
  }

  async #dial(id: string): Promise<Channel> {
    this.dialled.push(id);
    const place = this.#places.get(id);
    if (place === undefined) throw new RaftkvError('connect_failed', `${id} is not here`);
    const pair = memoryChannelPair();
    place.pairs.add(pair);
    place.accept(lying(pair.right, (message) => place.lie?.(message) ?? [message]));
    return pair.left;
  }

  offerOf(id: string): string | undefined {
    return this.#places.get(id)?.offer;
  }

  /** From now on it lies, or (undefined) does not any more. */
  teach(id: string, lie: Lie | undefined): void {
    this.#places.get(id)!.lie = lie;
  }

  /** The tab is gone without a word. */
  kill(id: string): void {
    const place = this.#places.get(id);
    this.#places.delete(id);
    for (const pair of place?.pairs ?? []) pair.cut();
  }

  /** What the tab sends does not arrive any more, and it does not end either. */
  freeze(id: string): void {
    for (const pair of this.#places.get(id)!.pairs) {
      pair.stall('left');
      pair.stall('right');
    }
  }
}

export class Tab {
  readonly id: string;
  readonly swarm: Swarm;
  readonly kv: LiveKv;
  readonly copy: () => LentCopy | undefined;
  readonly #park: Park;
  #checked: { readonly copy: LentCopy | undefined; readonly revision: number } = { copy: undefined, revision: 0 };
  /** Of the keys that are copied. */
  prefixes: readonly string[] = [''];
  /** False: it may show what never was. */
  isTrue = true;
  /** Revisions that were shown. */
  readonly shown = new Set<number>();

  constructor(park: Park, id: string, swarm: Swarm, kv: LiveKv, copy: () => LentCopy | undefined) {
    this.#park = park;
    this.id = id;
    this.swarm = swarm;
    this.kv = kv;
    this.copy = copy;
    kv.replica.subscribe(() => this.expectTruth());
  }

  get status(): SwarmStatus {
    return this.swarm.status.getSnapshot();
  }

  /** What is shown is what the cluster had at that revision, entry by entry. */
  expectTruth(): void {
    const copy = this.copy();
    if (!this.isTrue) return;
    if (copy === undefined || (copy === this.#checked.copy && copy.revision === this.#checked.revision)) return;
    this.#checked = { copy, revision: copy.revision };
    this.shown.add(copy.revision);
    const scan = this.#park.cluster.stateMachine.store.scan({ from: '', to: undefined }, { revision: copy.revision });
    // What is forgotten cannot be compared; what never was must not be shown.
    if (scan.type === 'error' && scan.code === 'compacted') return;
    if (scan.type === 'error') throw new Error(`revision ${copy.revision} was shown: ${scan.message}`);
    const [shown, real] = [new StateDigest(), new StateDigest()];
    copy.walk({ from: '', to: undefined }, (entry) => shown.add(entry));
    for (const entry of scan.entries) if (this.prefixes.some((each) => entry.key.startsWith(each))) real.add(entry);
    assert.deepEqual(shown.finish(), real.finish(), `what ${this.id} shows of revision ${copy.revision}`);
  }

  until(isWanted: (status: SwarmStatus) => boolean, milliseconds = 60_000): Promise<SwarmStatus> {
    return until(this.swarm.status, isWanted, milliseconds);
  }

  async reaches(revision: number): Promise<void> {
    await until(this.kv.replica, (status) => status.phase === 'ready' && status.revision >= revision, 60_000);
    this.expectTruth();
  }

  /** The copy is the cluster's, by the cluster's own hash. */
  async isEqual(): Promise<void> {
    await this.reaches(this.#park.revision);
    const { hash } = this.kv.replica.getSnapshot();
    assert.equal(hash, this.#park.cluster.stateMachine.store.contentHash());
  }

  async close(): Promise<void> {
    this.swarm.close();
    await this.kv.close();
  }
}

/** Changes what goes out. */
function lying(channel: Channel, lie: Lie): Channel {
  const send = channel.send.bind(channel);
  channel.send = (frame) => {
    let hasRoom = true;
    for (const message of lie(decodeFeederMessage(frame))) hasRoom = send(encodeFeederMessage(message)) && hasRoom;
    return hasRoom;
  };
  return channel;
}
