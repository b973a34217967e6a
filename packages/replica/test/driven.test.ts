// One replica whose leader is the test: messages are put in by hand, and time is the test's. For what takes an exact order.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { Configuration, Entry, Message, SnapshotMeta } from '@raftkv/raft';
import { encodeConfiguration } from '@raftkv/wire';
import type { RaftkvError } from '@raftkv/wire';
import type { Storage } from '@raftkv/storage';
import type { Transport } from '@raftkv/transport';
import { describe, expect, it } from 'vitest';
import { Replica } from '../src/replica.ts';
import type { ReplicaOptions } from '../src/options.ts';
import { TestClock } from './test-clock.ts';

const tickMilliseconds = 10;
const configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };

interface Driven {
  readonly replica: Replica;
  readonly storage: Storage;
  readonly sent: Message[];
  readonly applied: number[];
  receive(message: Message): Promise<void>;
  /** So much time passes, while the leader b is heard. */
  pass(milliseconds: number): Promise<void>;
}

/** Follower a of leader b. */
async function drive(options: Partial<ReplicaOptions> = {}): Promise<Driven> {
  const clock = new TestClock();
  const identity = { clusterId: 'test', memberId: 'a', memberName: 'a' };
  const storage = openMemoryStorage({ identity, create: true, store: createMemoryStore() });
  const sent: Message[] = [];
  const applied: number[] = [];
  let deliver: (message: Message) => void = () => {};
  const transport: Transport = {
    start: ({ onMessage }) => {
      deliver = onMessage;
    },
    send: (messages) => void sent.push(...messages),
    isConnected: () => true,
    close: async () => {},
  };
  const replica = new Replica({
    raft: { id: 'a', seed: 1, electionTimeoutTicks: 10, heartbeatTicks: 2, ...options.raft },
    configuration,
    storage,
    stored: await storage.load(),
    transport,
    stateMachine: {
      apply: (entry) => void applied.push(entry.index),
      afterApply: () => {},
      snapshot: () => ({ chunks: () => [].values(), release: () => {} }),
      restore: () => ({ write: () => {}, verify: () => {}, install: () => {} }),
    },
    clock,
    tickMilliseconds,
    ...options,
    onHalt: (error) => {
      throw error;
    },
  });
  await replica.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      clock.runDeferred();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const receive = async (message: Message): Promise<void> => {
    deliver(message);
    await settle();
  };
  const pass = async (milliseconds: number): Promise<void> => {
    for (let time = 0; time < milliseconds; time += tickMilliseconds) {
      clock.advance(tickMilliseconds);
      deliver({ type: 'heartbeatRequest', from: 'b', to: 'a', term: 1, commitIndex: 0, readToken: 0 });
      clock.runDeferred();
    }
    await settle();
  };
  await pass(tickMilliseconds);
  return { replica, storage, sent, applied, receive, pass };
}

describe('a follower', () => {
  it('says in its snapshot who were the members at its end, not who would be if what follows were committed', async () => {
    const { storage, receive } = await drive({ snapshotThreshold: 2 });
    const metas: SnapshotMeta[] = [];
    const create = storage.createSnapshot.bind(storage);
    storage.createSnapshot = (meta) => {
      metas.push(meta);
      return create(meta);
    };
    const command = (index: number): Entry => ({ index, term: 1, kind: 'command', data: new Uint8Array(100) });
    const next: Configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: ['d'] };
    const change: Entry = { index: 4, term: 1, kind: 'configuration', data: encodeConfiguration(next) };
    const head = { type: 'appendRequest', from: 'b', to: 'a', term: 1 } as const;
    const entries = [command(1), command(2), command(3), change];
    await receive({ ...head, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 3, entries });
    expect(metas).toMatchObject([{ lastIncludedIndex: 3, configuration: { learners: [] } }]);
    await receive({ ...head, prevLogIndex: 4, prevLogTerm: 1, leaderCommit: 6, entries: [command(5), command(6)] });
    expect(metas).toMatchObject([
      { lastIncludedIndex: 3 },
      { lastIncludedIndex: 6, configuration: { learners: ['d'] } },
    ]);
  });

  it('lets a half received snapshot go when the log has brought it past that', async () => {
    const { storage, applied, receive, replica } = await drive();
    const aborted: number[] = [];
    const create = storage.createSnapshot.bind(storage);
    storage.createSnapshot = async (meta) => {
      const writer = await create(meta);
      return { ...writer, abort: async () => void aborted.push(meta.lastIncludedIndex) };
    };
    const meta = { lastIncludedIndex: 3, lastIncludedTerm: 1, configuration };
    const base = { from: 'b', to: 'a', term: 1 } as const;
    await receive({ ...base, type: 'installSnapshotRequest', meta, offset: 0, data: new Uint8Array(4), done: false });
    const entries = [1, 2, 3].map((index) => ({ index, term: 1, kind: 'command' as const, data: new Uint8Array(1) }));
    const append = { ...base, type: 'appendRequest', prevLogTerm: 1, leaderCommit: 3 } as const;
    await receive({ ...append, prevLogIndex: 0, prevLogTerm: 0, entries: entries.slice(0, 2) });
    expect([applied, aborted]).toEqual([[1, 2], []]);
    await receive({ ...append, prevLogIndex: 2, entries: entries.slice(2) });
    expect([applied, aborted]).toEqual([[1, 2, 3], [3]]);
    await replica.close();
  });

  it('tells its proposers at once when its leader begins a new term: the old answer will not be heard', async () => {
    const terms: number[] = [];
    const { replica, receive, pass } = await drive({ onRoleChange: ({ term }) => terms.push(term) });
    const told: (RaftkvError | undefined)[] = [];
    replica.propose(new Uint8Array(80), (error) => told.push(error));
    await pass(10);
    expect(told).toEqual([]);
    await receive({ type: 'heartbeatRequest', from: 'b', to: 'a', term: 2, commitIndex: 0, readToken: 0 });
    expect(told).toMatchObject([{ code: 'no_leader', definite: false }]);
    expect(terms.at(-1)).toBe(2);
    await replica.close();
  });

  it('counts what it forwarded for as long as its callers wait, and no longer', async () => {
    const raft = { id: 'a', seed: 1, maxForwardedBytes: 100 };
    const { replica, sent, pass } = await drive({ requestTimeoutMilliseconds: 500, raft });
    const told: (string | undefined)[] = [];
    const propose = (): void => replica.propose(new Uint8Array(80), (error) => told.push(error?.code));
    propose();
    await pass(480);
    propose();
    await pass(10);
    expect(told).toEqual(['busy']);
    await pass(30);
    expect(told).toEqual(['busy', 'timeout']);
    propose();
    await pass(10);
    expect(told).toHaveLength(2);
    expect(sent.filter((message) => message.type === 'proposeRequest')).toHaveLength(2);
    await replica.close();
  });
});
