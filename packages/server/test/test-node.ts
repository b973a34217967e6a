// A KvNode for tests: one member over the real store, without Raft. Writes are applied at once; `quorum` and `leader` are switches,
// so that a test can take either away and see what the doors say.
import type { CommandEnvelope, CommandResult, GetResult, Key, KeyRange, ScanOptions, ScanResult } from '@raftkv/kv';
import type { StoreOptions } from '@raftkv/kv';
import { RaftkvError, decodeCommand, deflateCompression, encodeCommand } from '@raftkv/wire';
import type { AdminRequest, AdminResult, DigestAnswer, DigestRequest, NodeStatus } from '@raftkv/wire';
import type { Feed, KvNode, ObserveOptions, ReadOptions, Watcher } from '../src/node-api.ts';
import { Digests } from '../src/digests.ts';
import { KvStateMachine } from '../src/kv-state-machine.ts';
import { Observers } from '../src/observers.ts';
import { systemClock } from '../src/system-clock.ts';
import { Watchers, resultError } from '../src/watchers.ts';

export class TestNode implements KvNode {
  readonly clusterId = '00000000000000c1';
  readonly memberId = 'ffffffffffffff01';
  term = 2;
  /** False: writes and confirmed reads never come back. */
  hasQuorum = true;
  /** False: they are refused at once. */
  hasLeader = true;
  phase: NodeStatus['phase'] = 'running';
  openWatchers = 0;
  /** The calls of `take`, to see whether somebody pulls without need. */
  takes = 0;
  readonly #stateMachine: KvStateMachine;
  readonly #watchers: Watchers;
  readonly #observers: Observers;
  readonly #digests: Digests;
  readonly #leaderListeners = new Set<() => void>();
  #index = 0;

  constructor(options: StoreOptions = {}, clock = systemClock) {
    this.#stateMachine = new KvStateMachine({ store: options });
    this.#watchers = new Watchers(this.#stateMachine);
    this.#observers = new Observers(this.#stateMachine, { clock, deflate: deflateCompression.deflate });
    this.#digests = new Digests(this.#stateMachine, { clock, leader: () => this.leader });
  }

  get revision(): number {
    return this.#stateMachine.store.revision;
  }
  get compactedRevision(): number {
    return this.#stateMachine.store.compactedRevision;
  }
  get leader(): string | undefined {
    return this.hasLeader ? '127.0.0.1:8080' : undefined;
  }
  get isLeader(): boolean {
    return this.hasLeader;
  }

  get observerCount(): number {
    return this.#observers.count;
  }

  async write(command: Uint8Array): Promise<CommandResult> {
    decodeCommand(command);
    await this.#confirm();
    this.#index += 1;
    const result = this.#stateMachine.apply({ index: this.#index, term: this.term, kind: 'command', data: command });
    this.#stateMachine.afterApply();
    return result;
  }

  execute(envelope: CommandEnvelope): Promise<CommandResult> {
    return this.write(encodeCommand(envelope));
  }

  linearize(): Promise<void> {
    return this.#confirm();
  }

  async get(key: Key, options: ReadOptions & { readonly revision?: number }): Promise<GetResult> {
    if (options.level === 'linearizable') await this.#confirm();
    return this.getLocal(key, options);
  }

  async scan(range: KeyRange, options: ReadOptions & ScanOptions): Promise<ScanResult> {
    if (options.level === 'linearizable') await this.#confirm();
    return this.scanLocal(range, options);
  }

  getLocal(key: Key, options: { readonly revision?: number } = {}): GetResult {
    const result = this.#stateMachine.store.get(key, options);
    if (result.type === 'error') throw resultError(result);
    return result;
  }

  scanLocal(range: KeyRange, options: ScanOptions = {}): ScanResult {
    const result = this.#stateMachine.store.scan(range, options);
    if (result.type === 'error') throw resultError(result);
    return result;
  }

  watch(range: KeyRange, from: number, onReady: () => void): Watcher {
    const watcher = this.#watchers.open(range, from, onReady);
    this.openWatchers += 1;
    let isOpen = true;
    return {
      take: (maxBytes) => {
        this.takes += 1;
        return watcher.take(maxBytes);
      },
      get position() {
        return watcher.position;
      },
      close: () => {
        if (isOpen) this.openWatchers -= 1;
        isOpen = false;
        watcher.close();
      },
    };
  }

  observe(options: ObserveOptions, onReady: () => void): Feed {
    return this.#observers.open(options, onReady);
  }

  onLeaderChange(listener: () => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
  }

  readonly memberListeners = new Set<() => void>();
  onMembersChange(listener: () => void): () => void {
    this.memberListeners.add(listener);
    return () => this.memberListeners.delete(listener);
  }

  digest(request: DigestRequest): Promise<DigestAnswer> {
    return this.#digests.ask(request);
  }

  onAdmin: (request: AdminRequest) => Promise<AdminResult> = () => Promise.reject(new Error('not used'));
  admin(request: AdminRequest): Promise<AdminResult> {
    return this.onAdmin(request);
  }

  changeLeader(hasLeader: boolean): void {
    this.hasLeader = hasLeader;
    for (const listener of this.#leaderListeners) listener();
  }

  status(): NodeStatus {
    const statistics = this.#stateMachine.store.statistics();
    const member = { id: this.memberId, name: 'node1', address: '127.0.0.1:8080', isLearner: false };
    return {
      clusterId: this.clusterId,
      memberId: this.memberId,
      name: 'node1',
      version: '0.0.0-test',
      phase: this.phase,
      role: this.hasLeader ? 'leader' : 'follower',
      term: this.term,
      leaderId: this.hasLeader ? this.memberId : undefined,
      leader: this.leader,
      commitIndex: this.#index,
      appliedIndex: this.#index,
      lastIndex: this.#index,
      firstIndex: 1,
      snapshotIndex: 0,
      revision: this.revision,
      compactedRevision: this.compactedRevision,
      keys: statistics.keys,
      dataBytes: statistics.keyBytes + statistics.valueBytes,
      syncWrites: true,
      uptimeSeconds: 1,
      members: [{ ...member, isReachable: true, matchIndex: this.#index }],
    };
  }

  async #confirm(): Promise<void> {
    if (!this.hasLeader) throw new RaftkvError('no_leader', 'no leader is known');
    if (!this.hasQuorum) await new Promise<never>(() => {});
  }
}
