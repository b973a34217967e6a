// The three words between two members: who is let in, who is told what, and what hostile bytes come to.
import { RaftkvError, encodePeerControl, encodePeerFrame } from '@raftkv/wire';
import type { PeerControl, PeerFacts } from '@raftkv/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameInbox } from '../src/frame-inbox.ts';
import { Refusal, answer, greet } from '../src/handshake.ts';
import type { Greeted, HandshakeOptions } from '../src/handshake.ts';
import { memoryChannelPair } from '../src/index.ts';
import { recordChannel } from '../src/recorded-channel.ts';
import { heartbeat } from './messages.ts';
import { selfOf } from './mesh-member.ts';

const hello = {
  type: 'hello',
  versions: [1],
  clusterId: 'cluster',
  from: 'a',
  to: 'b',
  fromName: 'name-a',
  storeId: 'store-a',
} as const;
const welcome = { type: 'welcome', version: 1, clusterId: 'cluster', from: 'b', storeId: 'store-b' } as const;

function options(id: string, change: Partial<HandshakeOptions> = {}): HandshakeOptions {
  return { self: selfOf(id), isPeer: (other) => other === 'a' || other === 'b', admit: async () => {}, ...change };
}

/** Says what it is told to `answer` or `greet`, and gives how that ended: the greeted, or what was thrown. */
function face(role: 'answer' | 'greet', change: Partial<HandshakeOptions> = {}) {
  const pair = memoryChannelPair();
  const inbox = new FrameInbox(pair.right, 10_000);
  const running = role === 'answer' ? answer(inbox, options('b', change)) : greet(inbox, 'b', options('a', change));
  const outcome = running.then(
    (greeted): { greeted?: Greeted; thrown?: unknown } => ({ greeted }),
    (thrown: unknown): { greeted?: Greeted; thrown?: unknown } => ({ thrown }),
  );
  const recorded = recordChannel(pair.left);
  const say = (control: PeerControl): boolean => pair.left.send(encodePeerControl(control));
  return { pair, inbox, outcome, recorded, say };
}

const refuse = (code: 'member_amnesia') => async (): Promise<void> => {
  throw new RaftkvError(code, 'no');
};

describe('the handshake', () => {
  it('tells each side who the other is once both have admitted', async () => {
    const admissions: string[] = [];
    const pair = memoryChannelPair();
    const admit = (by: string) => async (peer: Greeted) =>
      void admissions.push(`${by}: ${peer.memberId} ${peer.storeId}`);
    const [atA, atB] = await Promise.all([
      greet(new FrameInbox(pair.left, 1000), 'b', options('a', { admit: admit('a') })),
      answer(new FrameInbox(pair.right, 1000), options('b', { admit: admit('b') })),
    ]);
    expect(atA).toEqual({ memberId: 'b', storeId: 'store-b' });
    expect(atB).toEqual({ memberId: 'a', storeId: 'store-a' });
    expect(admissions).toEqual(['b: a store-a', 'a: b store-b']);
  });

  it('meets each peer in the cluster that the caller says, on both sides, and tells of those from another one', async () => {
    const foreign: string[] = [];
    const meet = async (atA: string, atB: string): Promise<unknown[]> => {
      const pair = memoryChannelPair();
      const settled = await Promise.allSettled([
        greet(
          new FrameInbox(pair.left, 1000),
          'b',
          options('a', { clusterIdFor: (peer) => `${atA} of ${peer === 'b'}` }),
        ),
        answer(
          new FrameInbox(pair.right, 1000),
          options('b', {
            clusterIdFor: (peer) => `${atB} of ${peer === 'a'}`,
            onForeign: (peer) => foreign.push(peer),
          }),
        ),
      ]);
      return settled.map((one) =>
        one.status === 'fulfilled' ? one.value.memberId : (one.reason as Refusal).error.code,
      );
    };
    expect(await meet('one', 'one')).toEqual(['b', 'a']);
    expect(foreign).toEqual([]);
    expect(await meet('one', 'another')).toEqual(['wrong_cluster', 'wrong_cluster']);
    expect(foreign).toEqual(['a']);
  });

  it('refuses whom the caller has no cluster to meet in yet', async () => {
    const clusterIdFor = (): string => {
      throw new RaftkvError('busy', 'not founded');
    };
    const answered = face('answer', { clusterIdFor });
    answered.say(hello);
    expect((await answered.outcome).thrown).toMatchObject({ error: { code: 'busy' }, by: 'self' });
    expect((await face('greet', { clusterIdFor }).outcome).thrown).toMatchObject({
      error: { code: 'busy' },
      by: 'self',
    });
  });

  it('does not confirm before the admission is durable', async () => {
    let makeDurable: () => void = () => {};
    const durable = new Promise<void>((resolve) => (makeDurable = resolve));
    const { recorded, say, outcome } = face('greet', { admit: () => durable });
    await recorded.frames(1);
    say(welcome);
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorded.received).toHaveLength(1);
    makeDurable();
    await recorded.frames(2);
    expect((await outcome).greeted).toEqual({ memberId: 'b', storeId: 'store-b' });
  });

  it.each([
    ['wrong_cluster', { ...hello, clusterId: 'another' }],
    ['wrong_member', { ...hello, to: 'c' }],
    ['wrong_member', { ...hello, from: 'stranger' }],
    ['unsupported_version', { ...hello, versions: [2, 3] }],
    ['unsupported_version', { ...hello, versions: [] }],
  ] as const)('refuses a hello with %s and says so before it closes', async (code, word) => {
    const { say, outcome, recorded } = face('answer');
    say(word);
    const { thrown } = await outcome;
    expect(thrown).toBeInstanceOf(Refusal);
    expect(thrown).toMatchObject({ by: 'self', memberId: word.from, error: { code } });
    expect((await recorded.closed)?.code).toBe(code);
    expect(recorded.received).toHaveLength(1);
  });

  it.each([
    ['wrong_cluster', { ...welcome, clusterId: 'another' }],
    ['wrong_member', { ...welcome, from: 'c' }],
    ['unsupported_version', { ...welcome, version: 2 }],
  ] as const)('refuses a welcome with %s', async (code, word) => {
    const { say, outcome, recorded } = face('greet');
    await recorded.frames(1);
    say(word);
    expect((await outcome).thrown).toMatchObject({ by: 'self', memberId: 'b', error: { code } });
    expect((await recorded.closed)?.code).toBe(code);
  });

  it('tells a stranger what the owner has to say of it', async () => {
    const strangerError = (id: string) => new RaftkvError('member_removed', `${id} was removed`);
    const { say, outcome } = face('answer', { strangerError });
    say({ ...hello, from: 'gone' });
    const error = { code: 'member_removed', message: 'gone was removed' };
    expect((await outcome).thrown).toMatchObject({ by: 'self', memberId: 'gone', error });
  });

  it('refuses a member that lost its storage, at either side, and both know', async () => {
    for (const forgetful of ['a', 'b']) {
      const pair = memoryChannelPair();
      const strict = (id: string) => options(id, id === forgetful ? {} : { admit: refuse('member_amnesia') });
      const outcomes = await Promise.allSettled([
        greet(new FrameInbox(pair.left, 1000), 'b', strict('a')),
        answer(new FrameInbox(pair.right, 1000), strict('b')),
      ]);
      const seen = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Refusal) : undefined));
      expect(seen.map((refusal) => refusal?.error.code)).toEqual(['member_amnesia', 'member_amnesia']);
      expect(seen.map((refusal) => refusal?.by)).toEqual(forgetful === 'a' ? ['peer', 'self'] : ['self', 'peer']);
    }
  });

  describe('of version 2', () => {
    const factsOf = (id: string, bootCount = 1): PeerFacts => ({
      incarnation: { bootCount, draws: [`${id}`.repeat(16)] },
      founding: new Map([[id, `store-${id}`]]),
    });
    const telling = (id: string, change: Partial<HandshakeOptions> = {}) =>
      options(id, { factsFor: () => factsOf(id), ...change });

    it('tells each side the facts of the other, and both what they have told', async () => {
      const admissions: unknown[] = [];
      const admit = (by: string) => async (peer: Greeted) => void admissions.push([by, peer.memberId, peer.facts]);
      const pair = memoryChannelPair();
      const [atA, atB] = await Promise.all([
        greet(new FrameInbox(pair.left, 1000), 'b', telling('a', { admit: admit('a') })),
        answer(new FrameInbox(pair.right, 1000), telling('b', { admit: admit('b') })),
      ]);
      expect(atA).toEqual({ memberId: 'b', storeId: 'store-b', facts: factsOf('b'), told: factsOf('a') });
      expect(atB).toEqual({ memberId: 'a', storeId: 'store-a', facts: factsOf('a'), told: factsOf('b') });
      expect(admissions).toEqual([
        ['b', 'a', undefined],
        ['a', 'b', factsOf('b')],
        ['b', 'a', factsOf('a')],
      ]);
    });

    it.each(['a', 'b'])('is version 1 where %s speaks no other', async (old) => {
      const pair = memoryChannelPair();
      const optionsOf = (id: string) => (id === old ? options(id) : telling(id));
      const greetings = await Promise.all([
        greet(new FrameInbox(pair.left, 1000), 'b', optionsOf('a')),
        answer(new FrameInbox(pair.right, 1000), optionsOf('b')),
      ]);
      expect(greetings.map(({ facts, told }) => [facts, told])).toEqual([
        [undefined, undefined],
        [undefined, undefined],
      ]);
    });

    it.each(['a', 'b'])('lets %s refuse what it is told, and both know', async (strict) => {
      const pair = memoryChannelPair();
      const admit = async ({ facts }: Greeted): Promise<void> => {
        if (facts !== undefined) throw new RaftkvError('member_superseded', 'no');
      };
      const optionsOf = (id: string) => telling(id, id === strict ? { admit } : {});
      const outcomes = await Promise.allSettled([
        greet(new FrameInbox(pair.left, 1000), 'b', optionsOf('a')),
        answer(new FrameInbox(pair.right, 1000), optionsOf('b')),
      ]);
      const seen = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Refusal) : undefined));
      expect(seen.map((refusal) => refusal?.error.code)).toEqual(['member_superseded', 'member_superseded']);
      expect(seen.map((refusal) => refusal?.by)).toEqual(strict === 'a' ? ['self', 'peer'] : ['peer', 'self']);
    });

    it('does not end before the other side has noted what it was told', async () => {
      let makeDurable: () => void = () => {};
      const durable = new Promise<void>((resolve) => (makeDurable = resolve));
      const pair = memoryChannelPair();
      const ended: string[] = [];
      const admit = ({ facts }: Greeted): Promise<void> => (facts === undefined ? Promise.resolve() : durable);
      const both = Promise.all([
        greet(new FrameInbox(pair.left, 1000), 'b', telling('a')).then(() => ended.push('a')),
        answer(new FrameInbox(pair.right, 1000), telling('b', { admit })).then(() => ended.push('b')),
      ]);
      await new Promise((resolve) => setImmediate(resolve));
      expect(ended).toEqual([]);
      makeDurable();
      await both;
      expect(ended.toSorted()).toEqual(['a', 'b']);
    });

    it.each([
      ['a welcome of version 2 without facts', { ...welcome, version: 2 }],
      ['a welcome of version 1 with facts', { ...welcome, facts: factsOf('b') }],
    ] as const)('refuses %s', async (_, word) => {
      const { say, outcome, recorded } = face('greet', { factsFor: () => factsOf('a') });
      await recorded.frames(1);
      say(word);
      expect((await outcome).thrown).toMatchObject({ by: 'self', error: { code: 'bad_frame' } });
    });

    it('refuses a confirmation that has no facts', async () => {
      const { say, outcome } = face('answer', { factsFor: () => factsOf('b') });
      say({ ...hello, versions: [1, 2] });
      say({ type: 'confirm' });
      expect((await outcome).thrown).toMatchObject({ by: 'self', error: { code: 'bad_frame' } });
    });
  });

  it('keeps what comes on the heels of the confirmation for the next owner', async () => {
    const { pair, inbox, say, outcome } = face('answer');
    const burst = [heartbeat('a', 'b', 1), heartbeat('a', 'b', 2)].map((message) => encodePeerFrame([message]));
    say(hello);
    say({ type: 'confirm' });
    for (const frame of burst) pair.left.send(frame);
    expect((await outcome).greeted?.memberId).toBe('a');
    await new Promise((resolve) => setImmediate(resolve));
    const frames: Uint8Array[] = [];
    inbox.handOver({ onFrame: (frame) => frames.push(frame), onClose: () => {} });
    expect(frames).toEqual(burst);
    pair.left.send(burst[0]!);
    await new Promise((resolve) => setImmediate(resolve));
    expect(frames).toHaveLength(3);
  });

  it('closes on a message, a ping, a welcome or nothing where a hello is due', async () => {
    for (const frame of [
      encodePeerFrame([heartbeat('a', 'b')]),
      encodePeerControl({ type: 'ping', nonce: 1 }),
      encodePeerControl(welcome),
      new Uint8Array(0),
    ]) {
      const { pair, outcome, recorded } = face('answer');
      pair.left.send(frame);
      const { thrown } = await outcome;
      expect(thrown).toBeInstanceOf(RaftkvError);
      expect(['bad_frame', 'unsupported_version']).toContain((await recorded.closed)?.code);
    }
  });

  it('ends with an error of the channel when that ends in the middle', async () => {
    const { pair, outcome } = face('answer');
    pair.left.close();
    expect((await outcome).thrown).toMatchObject({ code: 'connection_lost' });
  });

  it('closes on whoever talks on and on before being welcome', async () => {
    const { pair, say, recorded } = face('answer', { admit: () => new Promise(() => {}) });
    say(hello);
    for (let count = 0; count < 11; count += 1) pair.left.send(new Uint8Array(1000));
    expect((await recorded.closed)?.code).toBe('bad_frame');
  });

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 3 }), async (frames) => {
        const { pair, outcome } = face('answer');
        for (const frame of frames) pair.left.send(frame);
        pair.left.close();
        expect((await outcome).greeted).toBe(undefined);
      }),
      { seed: 2, numRuns: 300 },
    );
  });
});
