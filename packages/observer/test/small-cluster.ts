// A real member (core, replica, store, in memory) with several doors, each a node of its own to whoever connects: doors can be killed and started,
// channels cut. What an observer meets here is what real nodes do, without processes.
import { Replica } from '@raftkv/replica';
import { KvStateMachine, LocalKvNode, Roster, serveClient } from '@raftkv/server';
import type { ClientSessionOptions } from '@raftkv/server';
import { openMemoryStorage } from '@raftkv/storage';
import { memoryChannelPair } from '@raftkv/transport';
import type { MemoryChannelPair } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { connect } from '@raftkv/client';
import type { ConnectOptions, Dial, Kv, Live, LiveKv } from '@raftkv/client';
import { onTestFinished } from 'vitest';
import { openReplica } from '../src/index.ts';
import type { OpenReplicaOptions } from '../src/index.ts';

const memberId = '00000000000000a1';

export interface SmallClusterOptions {
  readonly clusterId?: string;
  readonly doors?: number;
  readonly retainedRevisions?: number;
  readonly session?: ClientSessionOptions;
}

const configuration = { voters: [memberId], votersOutgoing: [], learners: [] };

export class SmallCluster {
  readonly stateMachine: KvStateMachine;
  readonly node: LocalKvNode;
  readonly endpoints: readonly string[];
  readonly #replica: Replica;
  readonly #session: ClientSessionOptions;
  readonly #down = new Set<string>();
  readonly #channels = new Map<string, MemoryChannelPair[]>();
  /** Frames from the doors to clients: what a copy costs. */
  sentBytes = 0;
  /** Connections that were opened. */
  dials = 0;

  private constructor(options: SmallClusterOptions, replica: Replica, stateMachine: KvStateMachine, node: LocalKvNode) {
    this.#replica = replica;
    this.#session = options.session ?? {};
    this.stateMachine = stateMachine;
    this.node = node;
    this.endpoints = Array.from({ length: options.doors ?? 2 }, (_, i) => `door${i + 1}:1`);
  }

  static async start(options: SmallClusterOptions = {}): Promise<SmallCluster> {
    const { clusterId = 'c0ffee00c0ffee00', retainedRevisions = 10_000 } = options;
    const storage = openMemoryStorage({ create: true, identity: { clusterId, memberId, memberName: 'node1' } });
    const stateMachine = new KvStateMachine({ store: { retainedRevisions } });
    const node = new LocalKvNode({
      clusterId,
      memberId,
      name: 'node1',
      version: '0.0.0-test',
      roster: new Roster([{ id: memberId, name: 'node1', address: 'door1:1' }], {
        active: configuration,
        committed: configuration,
        committedIndex: 0,
      }),
      stateMachine,
      syncWrites: true,
      isReachable: () => true,
      requestTimeoutMilliseconds: 5_000,
    });
    const replica = new Replica({
      raft: { id: memberId, seed: 1 },
      configuration,
      storage,
      stored: await storage.load(),
      transport: { start: () => {}, send: () => {}, isConnected: () => true, close: async () => {} },
      stateMachine,
      clock: {
        now: () => performance.now(),
        schedule: (callback, milliseconds) => {
          const timer = setTimeout(callback, milliseconds);
          return () => clearTimeout(timer);
        },
        defer: (callback) => void setImmediate(callback),
      },
      tickMilliseconds: 2,
      onHalt: (error) => {
        throw error;
      },
      onRoleChange: (status) => node.roleChanged(status),
    });
    await replica.start();
    node.run(replica, 0);
    const cluster = new SmallCluster(options, replica, stateMachine, node);
    onTestFinished(() => replica.close());
    return cluster;
  }

  readonly dial: Dial = async (endpoint) => {
    if (this.#down.has(endpoint)) throw new RaftkvError('connect_failed', `${endpoint} is down`);
    this.dials += 1;
    const pair = memoryChannelPair();
    const { right } = pair;
    const send = right.send.bind(right);
    right.send = (frame) => {
      this.sentBytes += frame.length;
      return send(frame);
    };
    this.#channels.set(endpoint, [...(this.#channels.get(endpoint) ?? []), pair]);
    serveClient(right, this.node, this.#session);
    return pair.left;
  };

  kill(...endpoints: readonly string[]): void {
    for (const endpoint of endpoints) this.#down.add(endpoint);
    this.cut(...endpoints);
  }

  start(...endpoints: readonly string[]): void {
    for (const endpoint of endpoints) this.#down.delete(endpoint);
  }

  cut(...endpoints: readonly string[]): void {
    for (const endpoint of endpoints) {
      for (const pair of this.#channels.get(endpoint) ?? []) pair.cut();
      this.#channels.delete(endpoint);
    }
  }

  get revision(): number {
    return this.stateMachine.store.revision;
  }

  async close(): Promise<void> {
    await this.#replica.close();
  }

  /** A plain client, closed after the test. */
  client(options: Partial<ConnectOptions> = {}): Kv {
    const kv = connect({ ...this.#connection(), ...options });
    onTestFinished(() => kv.close());
    return kv;
  }

  /** A replica, closed after the test. */
  async replica(options: Partial<OpenReplicaOptions> = {}): Promise<LiveKv> {
    const kv = await openReplica({ ...this.#connection(), ...options });
    onTestFinished(() => kv.close());
    return kv;
  }

  #connection(): ConnectOptions {
    return { endpoints: this.endpoints, dial: this.dial, retryDelayMilliseconds: 5 };
  }
}

/** Resolves with the first snapshot that satisfies; fails the test after a while with the last one. */
export function until<T>(live: Live<T>, isWanted: (value: T) => boolean, milliseconds = 60_000): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const value = live.getSnapshot();
      if (!isWanted(value)) return;
      clearTimeout(timer);
      stop();
      resolve(value);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`it never came to that; the last was ${JSON.stringify(live.getSnapshot())}`));
    }, milliseconds);
    const stop = live.subscribe(look);
    look();
  });
}
