// A member that starts far behind its log: it applies the backlog in slices, so that its peers, its clock and its clients are
// heard in between.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { StoredState } from '@raftkv/storage';
import { memoryNetwork } from '@raftkv/transport';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../src/clock.ts';
import { Replica } from '../src/replica.ts';

const entryCount = 2000;

/** Time stands still but where the test moves it; turns are run one by one. */
class SteppedClock implements Clock {
  milliseconds = 0;
  readonly deferred: (() => void)[] = [];
  now(): number {
    return this.milliseconds;
  }
  schedule(): () => void {
    return () => {};
  }
  defer(callback: () => void): void {
    this.deferred.push(callback);
  }
}

async function storedBacklog(): Promise<StoredState> {
  const identity = { clusterId: 'test', memberId: 'a', memberName: 'a' };
  const stored = await openMemoryStorage({ identity, create: true, store: createMemoryStore() }).load();
  const entries = Array.from({ length: entryCount }, (_, position) => ({
    index: position + 1,
    term: 1,
    kind: 'command' as const,
    data: new Uint8Array(4096),
  }));
  return { ...stored, entries, hardState: { term: 1, votedFor: 'a', commitIndex: entryCount } };
}

describe('a replica with a long backlog', () => {
  it('applies it in slices of time and lets others have a turn in between', async () => {
    const clock = new SteppedClock();
    let applied = 0;
    const identity = { clusterId: 'test', memberId: 'a', memberName: 'a' };
    const replica = new Replica({
      raft: { id: 'a', seed: 1, electionTimeoutTicks: 10, heartbeatTicks: 2 },
      configuration: { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] },
      storage: openMemoryStorage({ identity, create: true, store: createMemoryStore() }),
      stored: await storedBacklog(),
      transport: memoryNetwork().transport('a'),
      stateMachine: {
        apply: () => {
          applied++;
          clock.milliseconds += 1;
        },
        afterApply: () => {},
        snapshot: () => {
          throw new Error('not wanted here');
        },
        restore: () => {
          throw new Error('not wanted here');
        },
      },
      clock,
      onHalt: (error) => {
        throw error;
      },
    });
    await replica.start();
    const turns: number[] = [];
    for (let turn = clock.deferred.shift(); turn !== undefined; turn = clock.deferred.shift()) {
      const before = applied;
      turn();
      turns.push(applied - before);
    }
    expect(applied).toBe(entryCount);
    expect(replica.appliedIndex).toBe(entryCount);
    expect(Math.max(...turns)).toBeLessThanOrEqual(100);
    await replica.close();
  });
});
