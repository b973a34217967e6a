// A voter's promise under leases (§6.4.1) over the real loop and a late one: it must last an election timeout less a tick from the moment at
// which the leader's word came, whatever timers do. The test is the leader and the candidate, and owns time.
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { Message } from '@raftkv/raft';
import type { Transport } from '@raftkv/transport';
import { describe, expect, it } from 'vitest';
import { Replica } from '../src/replica.ts';
import { TestClock } from './test-clock.ts';

const tickMilliseconds = 10;
const electionTimeoutTicks = 10;

interface Voter {
  readonly clock: TestClock;
  /** A message has come; the loop gets to it when it gets to it. */
  deliver(message: Message): void;
  /** The loop does what is due. */
  settle(): Promise<void>;
  /** Its answers to requests for votes. */
  granted(): boolean[];
}

/** Voter a, with leases, whose start is long enough ago that it may vote. */
async function voter(): Promise<Voter> {
  const clock = new TestClock();
  const identity = { clusterId: 'test', memberId: 'a', memberName: 'a' };
  const storage = openMemoryStorage({ identity, create: true, store: createMemoryStore() });
  const sent: Message[] = [];
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
    // Priority 0, so that it does not campaign itself.
    raft: { id: 'a', seed: 1, electionTimeoutTicks, priority: 0, leaseReads: { maxDriftPerMille: 0 } },
    configuration: { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] },
    storage,
    stored: await storage.load(),
    transport,
    stateMachine: {
      apply: () => {},
      afterApply: () => {},
      snapshot: () => ({ chunks: () => [].values(), release: () => {} }),
      restore: () => ({ write: () => {}, verify: () => {}, install: () => {} }),
    },
    clock,
    tickMilliseconds,
    onHalt: (error) => {
      throw error;
    },
  });
  await replica.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      clock.runDeferred();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (let i = 0; i < 2 * electionTimeoutTicks; i++) {
    clock.advance(tickMilliseconds);
    deliver(heartbeat);
    clock.runDeferred();
  }
  await settle();
  return {
    clock,
    deliver: (message) => deliver(message),
    settle,
    granted: () => sent.flatMap((message) => (message.type === 'voteResponse' ? [message.granted] : [])),
  };
}

const heartbeat: Message = { type: 'heartbeatRequest', from: 'b', to: 'a', term: 1, commitIndex: 0, readToken: 0 };
const request: Message = { type: 'voteRequest', from: 'c', to: 'a', term: 2, lastIndex: 9, lastTerm: 1 };

/** From now on there is a candidate and no leader. Answers after how many milliseconds it gets the vote. */
async function untilVote({ clock, deliver, settle, granted }: Voter): Promise<number> {
  await settle();
  for (let after = 1; after < 3 * electionTimeoutTicks * tickMilliseconds; after++) {
    clock.advance(1);
    deliver(request);
    await settle();
    if (granted().includes(true)) return after;
  }
  throw new Error('it never votes again');
}

describe('a voter promises from the moment at which the leader’s word came', () => {
  /** A leader may have sent its heartbeat at that very moment, and serves reads for so long. */
  const leaseMilliseconds = (electionTimeoutTicks - 1) * tickMilliseconds;

  it('when its loop is on time, and not much longer', async () => {
    const a = await voter();
    a.deliver(heartbeat);
    const after = await untilVote(a);
    expect(after).toBeGreaterThanOrEqual(leaseMilliseconds);
    expect(after).toBeLessThanOrEqual(leaseMilliseconds + 2 * tickMilliseconds);
  });

  it.each([15, 25, 60, 500])('when its loop stood still for %i ms, and the timer fires first', async (milliseconds) => {
    const a = await voter();
    a.clock.wakeLate(milliseconds);
    a.deliver(heartbeat);
    expect(await untilVote(a)).toBeGreaterThanOrEqual(leaseMilliseconds);
  });

  it.each([15, 25, 60, 500])(
    'when its loop stood still for %i ms, and the word is read first',
    async (milliseconds) => {
      const a = await voter();
      a.clock.wakeLate(milliseconds, () => a.deliver(heartbeat));
      expect(await untilVote(a)).toBeGreaterThanOrEqual(leaseMilliseconds);
    },
  );
});
