// The conformance suite of the Transport contract, run by each way in which members are joined: a function of a factory and of the test runner's own words,
// like that of channels. Best effort is hard to test: what may be lost is only asked for while nothing is wrong.
import type { Message, PeerId } from '@raftkv/raft';
import { systemClock } from './clock.ts';
import type { ConformanceRunner } from './conformance-runner.ts';
import type { Transport } from './transport.ts';

/** Transports of three members that can all be joined, unstarted, and the power to part two of them. */
export interface TransportsUnderTest {
  readonly transports: Readonly<Record<TestMemberId, Transport>>;
  /** Ends what joins the two and keeps them apart until `mend`. */
  cut(a: TestMemberId, b: TestMemberId): void;
  mend(a: TestMemberId, b: TestMemberId): void;
  dispose(): Promise<void>;
}

export type TestMemberId = 'a' | 'b' | 'c';
export type TransportsFactory = () => Promise<TransportsUnderTest>;

const ids = ['a', 'b', 'c'] as const;

/**
 * @example
 * ```ts
 * import { describe, expect, it } from 'vitest';
 * describeTransport('memory', async () => makeTransports(), { describe, it, expect });
 * ```
 */
export function describeTransport(name: string, factory: TransportsFactory, runner: ConformanceRunner): void {
  runner.describe(`${name}, as a transport`, () => {
    const check = (title: string, body: (trio: Trio, expect: ConformanceRunner['expect']) => Promise<void>): void =>
      runner.it(title, async () => {
        const trio = new Trio(await factory());
        try {
          await trio.isJoined();
          await body(trio, runner.expect);
        } finally {
          await trio.dispose();
        }
      });
    describeMessages(check);
    describePartings(check);
  });
}

type Check = (title: string, body: (trio: Trio, expect: ConformanceRunner['expect']) => Promise<void>) => void;

function describeMessages(check: Check): void {
  check('carries each message whole, to whom it is for and to nobody else, both ways at once', async (trio, expect) => {
    for (const from of ids) {
      trio.send(from, ...ids.filter((to) => to !== from).flatMap((to) => [1, 2, 3].map((n) => heartbeat(from, to, n))));
    }
    for (const id of ids) {
      await trio.until(() => trio.ears[id].received.length === 6);
      const sent = ids.filter((from) => from !== id).flatMap((from) => [1, 2, 3].map((n) => heartbeat(from, id, n)));
      expect(sorted(trio.ears[id].received)).toEqual(sorted(sent));
    }
  });

  check('carries large messages and small ones beside them', async (trio, expect) => {
    const sent = [append('a', 'b', 300_000, 1), append('a', 'b', 1_500_000, 2), heartbeat('a', 'b', 3)];
    trio.send('a', ...sent);
    await trio.until(() => trio.ears.b.received.length === 3);
    const sizes = trio.ears.b.received.map((message) => (message.type === 'appendRequest' ? bytesOf(message) : 0));
    expect(sizes.toSorted((x, y) => x - y)).toEqual([0, 300_000, 1_500_000]);
    const isWhole = trio.ears.b.received.every((message) => message.type !== 'appendRequest' || isFilled(message));
    expect(isWhole).toBe(true);
  });

  check('calls no handler from inside send', async (trio, expect) => {
    trio.send('a', heartbeat('a', 'b', 1), heartbeat('a', 'c', 1));
    expect(trio.ears.b.received.length + trio.ears.c.received.length).toBe(0);
    await trio.until(() => trio.ears.b.received.length + trio.ears.c.received.length === 2);
  });

  check('sends nothing where nothing is given, and shrugs off a member that nobody knows', async (trio, expect) => {
    trio.send('a');
    trio.send('a', heartbeat('a', 'nobody', 1), heartbeat('a', 'b', 2));
    await trio.until(() => trio.ears.b.received.length === 1);
    expect(trio.ears.b.received).toEqual([heartbeat('a', 'b', 2)]);
  });
}

function describePartings(check: Check): void {
  check(
    'tells both sides of a parting, says what cannot be reached, and goes on with the others',
    async (trio, expect) => {
      trio.cut('a', 'b');
      await trio.until(() => !trio.isConnected('a', 'b') && !trio.isConnected('b', 'a'));
      await trio.until(() => trio.ears.a.states.at(-1) === 'b down' && trio.ears.b.states.at(-1) === 'a down');
      await trio.until(() => trio.ears.a.unreachable.includes('b') && trio.ears.b.unreachable.includes('a'));
      trio.ears.a.unreachable.length = 0;
      trio.send('a', heartbeat('a', 'b', 1), heartbeat('a', 'c', 2));
      await trio.until(() => trio.ears.c.received.length === 1 && trio.ears.a.unreachable.includes('b'));
      expect(trio.ears.b.received).toEqual([]);
      expect(trio.isConnected('a', 'c') && trio.isConnected('b', 'c')).toBe(true);
      expect(trio.ears.c.unreachable).toEqual([]);
    },
  );

  check('joins the two again by itself, and carries what is sent from then on', async (trio, expect) => {
    trio.cut('a', 'b');
    await trio.until(() => !trio.isConnected('a', 'b') && !trio.isConnected('b', 'a'));
    trio.mend('a', 'b');
    await trio.until(() => trio.isConnected('a', 'b') && trio.isConnected('b', 'a'));
    await trio.until(() => trio.ears.a.states.at(-1) === 'b up' && trio.ears.b.states.at(-1) === 'a up');
    trio.send('a', heartbeat('a', 'b', 7));
    trio.send('b', heartbeat('b', 'a', 8));
    await trio.until(() => trio.ears.a.received.length === 1 && trio.ears.b.received.length === 1);
    expect(trio.ears.b.received).toEqual([heartbeat('a', 'b', 7)]);
  });

  check('is silent once it is closed, and the others are told', async (trio, expect) => {
    await trio.close('c');
    await trio.until(() => trio.ears.a.states.at(-1) === 'c down' && trio.ears.b.states.at(-1) === 'c down');
    const told = trio.ears.c.count();
    trio.send('c', heartbeat('c', 'a', 1));
    trio.send('a', heartbeat('a', 'c', 2), heartbeat('a', 'b', 3));
    await trio.until(() => trio.ears.b.received.length === 1);
    expect(trio.ears.c.count()).toBe(told);
    expect(trio.ears.a.received).toEqual([]);
    expect(trio.isConnected('a', 'c')).toBe(false);
  });
}

/** What one member was told. */
class Ear {
  readonly received: Message[] = [];
  readonly unreachable: PeerId[] = [];
  readonly states: string[] = [];

  count(): number {
    return this.received.length + this.unreachable.length + this.states.length;
  }
}

class Trio {
  readonly ears = { a: new Ear(), b: new Ear(), c: new Ear() };
  readonly #underTest: TransportsUnderTest;

  constructor(underTest: TransportsUnderTest) {
    this.#underTest = underTest;
    for (const id of ids) {
      const ear = this.ears[id];
      underTest.transports[id].start({
        onMessage: (message) => ear.received.push(message),
        onUnreachable: (peer) => ear.unreachable.push(peer),
        onPeerState: (peer, isConnected) => ear.states.push(`${peer} ${isConnected ? 'up' : 'down'}`),
      });
    }
  }

  isJoined(): Promise<void> {
    const pairs = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => [from, to] as const));
    return this.until(() => pairs.every(([from, to]) => this.isConnected(from, to)));
  }

  isConnected(from: TestMemberId, to: TestMemberId): boolean {
    return this.#underTest.transports[from].isConnected(to);
  }

  send(from: TestMemberId, ...messages: readonly Message[]): void {
    this.#underTest.transports[from].send(messages);
  }

  cut(a: TestMemberId, b: TestMemberId): void {
    this.#underTest.cut(a, b);
  }

  mend(a: TestMemberId, b: TestMemberId): void {
    this.#underTest.mend(a, b);
  }

  close(id: TestMemberId): Promise<void> {
    return this.#underTest.transports[id].close();
  }

  dispose(): Promise<void> {
    return this.#underTest.dispose();
  }

  /** Looked at between turns, since not everything that is asked for is told; the runner's own limit of time ends it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void systemClock.schedule(resolve, 1));
  }
}

function heartbeat(from: PeerId, to: PeerId, readToken: number): Message {
  return { type: 'heartbeatRequest', from, to, term: 1, commitIndex: 0, readToken };
}

type Append = Extract<Message, { type: 'appendRequest' }>;

function append(from: PeerId, to: PeerId, bytes: number, index: number): Message {
  const entries = [{ index, term: 1, kind: 'command' as const, data: new Uint8Array(bytes).fill(index) }];
  return {
    type: 'appendRequest',
    from,
    to,
    term: 1,
    prevLogIndex: index - 1,
    prevLogTerm: 0,
    leaderCommit: 0,
    entries,
  };
}

function bytesOf({ entries }: Append): number {
  return entries.reduce((bytes, entry) => bytes + ('data' in entry ? entry.data.length : 0), 0);
}

function isFilled({ entries }: Append): boolean {
  return entries.every((entry) => 'data' in entry && entry.data.every((byte) => byte === entry.index));
}

function sorted(messages: readonly Message[]): string[] {
  return messages.map((message) => JSON.stringify(Object.entries(message).toSorted())).toSorted();
}
