// A cluster for the client to talk to: one real store that several fake nodes share, real server sessions, and memory channels that can be
// cut, stalled and dropped. What a node does with a request can be scripted, so that each test names the fault it is about.
import { Store } from '@raftkv/kv';
import type { Change, CommandResult, GetResult, KeyRange, ScanOptions, ScanResult } from '@raftkv/kv';
import { serveClient } from '@raftkv/server';
import type { ClientSession, ClientSessionOptions, ReadOptions, ServedNode, Watcher } from '@raftkv/server';
import { memoryChannelPair } from '@raftkv/transport';
import type { MemoryChannelPair } from '@raftkv/transport';
import { RaftkvError, decodeCommand } from '@raftkv/wire';
import type { AdminRequest, AdminResult, NodeStatus } from '@raftkv/wire';
import { afterEach } from 'vitest';
import { connect } from '../src/index.ts';
import type { ClusterKv, ConnectOptions, Dial } from '../src/index.ts';

const clusterId = 'c0ffee00c0ffee00';

/** What a node does with a write: apply and answer (default), or what the test says. */
export type WriteScript = (apply: () => CommandResult) => Promise<CommandResult> | CommandResult;

/** A store with several doors. */
export class FakeCluster {
  store = new Store();
  readonly nodes: FakeNode[];
  #index = 0;
  readonly #listeners = new Set<() => void>();
  /** Commands that were applied, decoded. */
  readonly applied: string[] = [];
  leader = 0;

  constructor(count = 1, options: ClientSessionOptions = {}) {
    this.nodes = Array.from({ length: count }, (_, i) => new FakeNode(this, i, options));
  }

  get endpoints(): string[] {
    return this.nodes.map((node) => node.address);
  }

  apply(command: Uint8Array): CommandResult {
    const envelope = decodeCommand(command);
    this.applied.push(envelope.command.type);
    const result = this.store.apply(++this.#index, envelope);
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener();
    });
    return result;
  }

  onApplied(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Another leader; every node says so, or none is known (undefined). */
  elect(leader: number | undefined): void {
    this.leader = leader ?? -1;
    for (const node of this.nodes) node.leaderChanged();
  }

  readonly dial: Dial = async (endpoint) => {
    const node = this.nodes.find(({ address }) => address === endpoint);
    if (node === undefined || node.isDown) throw new RaftkvError('connect_failed', `${endpoint} is down`);
    return node.accept();
  };
}

export class FakeNode implements ServedNode {
  readonly address: string;
  readonly memberId: string;
  readonly clusterId: string = clusterId;
  readonly #cluster: FakeCluster;
  readonly #number: number;
  readonly #options: ClientSessionOptions;
  readonly #leaderListeners = new Set<() => void>();
  readonly #memberListeners = new Set<() => void>();
  onAdmin: (request: AdminRequest) => Promise<AdminResult> = () => Promise.reject(new Error('nobody asked for this'));
  isDown = false;
  /** Channels to this node, the newest last. */
  readonly channels: MemoryChannelPair[] = [];
  readonly sessions = new Set<ClientSession>();
  onWrite: WriteScript = (apply) => apply();
  onLinearize: () => Promise<void> = () => Promise.resolve();
  writes = 0;
  linearizations = 0;
  reads = 0;

  constructor(cluster: FakeCluster, number: number, options: ClientSessionOptions) {
    this.#cluster = cluster;
    this.#number = number;
    this.#options = options;
    this.address = `node${number + 1}:8080`;
    this.memberId = `${number + 1}`.padStart(16, '0');
  }

  accept(): MemoryChannelPair['left'] {
    const pair = memoryChannelPair();
    this.channels.push(pair);
    const session = serveClient(pair.right, this, { ...this.#options, onEnd: () => this.sessions.delete(session) });
    this.sessions.add(session);
    return pair.left;
  }

  /** Kills the process: channels break, and nobody gets in until `start`. */
  kill(): void {
    this.isDown = true;
    for (const pair of this.channels.splice(0)) pair.cut();
  }

  start(): void {
    this.isDown = false;
  }

  membersChanged(): void {
    for (const listener of this.#memberListeners) listener();
  }

  leaderChanged(): void {
    for (const listener of this.#leaderListeners) listener();
  }

  get leader(): string | undefined {
    return this.#cluster.nodes[this.#cluster.leader]?.address;
  }
  get isLeader(): boolean {
    return this.#cluster.leader === this.#number;
  }
  get term(): number {
    return 1;
  }
  get revision(): number {
    return this.#cluster.store.revision;
  }
  get compactedRevision(): number {
    return this.#cluster.store.compactedRevision;
  }

  async write(command: Uint8Array): Promise<CommandResult> {
    this.writes += 1;
    if (this.#cluster.leader < 0) throw new RaftkvError('no_leader', 'no leader is known');
    return this.onWrite(() => this.#cluster.apply(command));
  }

  execute(): never {
    throw new Error('not a client request');
  }

  async get(key: string, options: ReadOptions & { readonly revision?: number }): Promise<GetResult> {
    if (options.level === 'linearizable') await this.linearize();
    return this.getLocal(key, options);
  }

  async scan(range: KeyRange, options: ReadOptions & ScanOptions): Promise<ScanResult> {
    if (options.level === 'linearizable') await this.linearize();
    return this.scanLocal(range, options);
  }

  linearize(): Promise<void> {
    this.linearizations += 1;
    return this.onLinearize();
  }

  getLocal(key: string, options: { readonly revision?: number } = {}): GetResult {
    this.reads += 1;
    return orThrow(this.#cluster.store.get(key, { revision: options.revision }));
  }

  scanLocal(range: KeyRange, options: ScanOptions = {}): ScanResult {
    this.reads += 1;
    return orThrow(this.#cluster.store.scan(range, options));
  }

  watch(range: KeyRange, from: number, onReady: () => void): Watcher {
    const { store } = this.#cluster;
    let next = from === 0 ? store.revision + 1 : from;
    const unsubscribe = this.#cluster.onApplied(onReady);
    return {
      take: (maxBytes) => {
        const taken: Change[] = [];
        let bytes = 0;
        while (bytes < maxBytes && next <= store.revision) {
          const { changes, nextRevision } = orThrow(store.changes(next, { range, limit: 1 }));
          next = nextRevision;
          for (const change of changes) {
            taken.push(change);
            for (const event of change.events) bytes += event.type === 'put' ? event.entry.value.length : 10;
          }
        }
        return taken.length > 0 ? taken : undefined;
      },
      get position() {
        return next - 1;
      },
      close: unsubscribe,
    };
  }

  observe(): never {
    throw new RaftkvError('unsupported', 'nobody is fed here');
  }
  digest(): never {
    throw new RaftkvError('unsupported', 'nobody is fed here');
  }

  onLeaderChange(listener: () => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
  }

  onMembersChange(listener: () => void): () => void {
    this.#memberListeners.add(listener);
    return () => this.#memberListeners.delete(listener);
  }

  admin(request: AdminRequest): Promise<AdminResult> {
    return this.onAdmin(request);
  }

  status(): NodeStatus {
    const members = this.#cluster.nodes.map(({ memberId, address }, i) => ({
      id: memberId,
      name: `node${i + 1}`,
      address,
    }));
    return {
      clusterId: this.clusterId,
      memberId: this.memberId,
      name: `node${this.#number + 1}`,
      version: '0.0.0',
      phase: 'running',
      role: this.isLeader ? 'leader' : 'follower',
      term: 1,
      leaderId: this.#cluster.nodes[this.#cluster.leader]?.memberId,
      leader: this.leader,
      commitIndex: 1,
      appliedIndex: 1,
      lastIndex: 1,
      firstIndex: 1,
      snapshotIndex: 0,
      revision: this.revision,
      compactedRevision: this.compactedRevision,
      keys: 0,
      dataBytes: 0,
      syncWrites: true,
      uptimeSeconds: 1,
      members: members.map((member) => ({ ...member, isLearner: false, isReachable: true, matchIndex: undefined })),
    };
  }
}

function orThrow<T extends object>(
  result: T | Extract<CommandResult, { type: 'error' }>,
): Exclude<T, { type: 'error' }> {
  if ('type' in result && result.type === 'error') {
    const { code, message, compactedRevision } = result;
    throw new RaftkvError(code, message, { compactedRevision });
  }
  return result as Exclude<T, { type: 'error' }>;
}

/** A promise with its ends in hand. */
export function held<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

const open: { close(): Promise<void> }[] = [];

/** Closed after the test. */
export function closeLater(kv: { close(): Promise<void> }): void {
  open.push(kv);
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((kv) => kv.close()));
});

/** A client of the cluster that retries at once and without chance, closed after the test. */
export function client<Value = unknown>(
  cluster: FakeCluster,
  options: Partial<ConnectOptions<Value>> = {},
): ClusterKv<Value> {
  const kv = connect<Value>({
    endpoints: cluster.endpoints,
    dial: cluster.dial,
    random: () => 0.5,
    retryDelayMilliseconds: 5,
    ...options,
  });
  closeLater(kv);
  return kv;
}
