// The mesh over memory channels, in the time of a fake clock: who is connected to whom, and what each is told.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { settled } from './fake-clock.ts';
import { append, heartbeat, vote } from './messages.ts';
import { peersOf, selfOf } from './mesh-member.ts';
import type { TestMember } from './mesh-member.ts';
import { setUp } from './mesh-stage.ts';

describe('the mesh', () => {
  it('connects every pair with one channel, and each side knows that both have admitted', async () => {
    const { clock, phone, open } = setUp();
    const members = ['a', 'b', 'c'].map((id) => open(id));
    await clock.advance(3000);
    for (const member of members) {
      const others = ['a', 'b', 'c'].filter((id) => id !== member.id);
      expect(others.filter((id) => member.mesh.isConnected(id))).toEqual(others);
      expect([...new Set(member.welcomed)].sort()).toEqual(others);
      expect([...member.admitted].sort()).toEqual(others.map((id) => [id, `store-${id}`]));
      expect(member.refused).toEqual([]);
    }
    expect(phone.pairs.filter((pair) => pair.left.isOpen)).toHaveLength(3);
  });

  it('carries messages to whom they are for, all of a turn to one peer in one frame', async () => {
    const { clock, open } = setUp();
    const [a, b, c] = ['a', 'b', 'c'].map((id) => open(id));
    await clock.advance(100);
    const toB = [vote('a', 'b'), heartbeat('a', 'b', 1), append('a', 'b', 10), heartbeat('a', 'b', 2)];
    a!.mesh.send([toB[0]!, heartbeat('a', 'c', 7), toB[1]!]);
    a!.mesh.send([toB[2]!, toB[3]!, heartbeat('a', 'nobody')]);
    await settled();
    expect(b!.received).toEqual(toB);
    expect(c!.received).toEqual([heartbeat('a', 'c', 7)]);
  });

  it('reconnects soon after a channel broke, and says so', async () => {
    const { clock, phone, open } = setUp();
    const [a, b] = [open('a'), open('b')];
    await clock.advance(2000);
    const before = phone.pairs.length;
    for (const pair of phone.pairs) pair.cut();
    await clock.advance(1);
    expect([a.mesh.isConnected('b'), b.mesh.isConnected('a')]).toEqual([false, false]);
    expect(a.states).toEqual(['b up', 'b down']);
    expect(a.unreachable).toContain('b');
    await clock.advance(100);
    expect(a.mesh.isConnected('b') && b.mesh.isConnected('a')).toBe(true);
    // Only the smaller id dialled.
    expect(phone.pairs).toHaveLength(before + 1);
  });

  it('is found at once by a member that comes back, however long the others have been pausing', async () => {
    const { clock, open, stop } = setUp();
    const [a, c] = [open('a'), open('c')];
    await clock.advance(30_000);
    // b has the larger id of the pair with a, which is in the middle of a pause of two seconds; and the smaller id towards c.
    const b = open('b');
    await clock.advance(0);
    expect([a, c].map((member) => member.mesh.isConnected('b'))).toEqual([true, true]);
    await stop(b);
    await clock.advance(20_000);
    open('b');
    await clock.advance(0);
    expect([a, c].map((member) => member.mesh.isConnected('b'))).toEqual([true, true]);
  });

  it('settles on one channel, the same at both sides, when both dial at once', async () => {
    // Words cross on the way: a is done with its channel first, then hears the end of b's; b sees them the other way round.
    const { clock, phone, open } = setUp(10);
    const [a, b] = [open('a', { peers: [] }), open('b', { peers: [] })];
    a.mesh.addPeer(peersOf(['b'])[0]!);
    b.mesh.addPeer(peersOf(['a'])[0]!);
    expect(phone.pairs).toHaveLength(2);
    await clock.advance(60_000);
    expect(phone.pairs).toHaveLength(2);
    expect(phone.pairs.map((pair) => [pair.left.isOpen, pair.right.isOpen])).toEqual([
      [true, true],
      [false, false],
    ]);
    expect([a.states, b.states]).toEqual([['b up'], ['a up']]);
    a.mesh.send([heartbeat('a', 'b', 5)]);
    b.mesh.send([heartbeat('b', 'a', 6)]);
    await clock.advance(10);
    expect([a.received.length, b.received.length]).toEqual([1, 1]);
  });

  it('lets a newer channel of the same member replace one that is dead without knowing', async () => {
    const { clock, phone, open } = setUp();
    // Opened last, a has dialled.
    const [b, a] = [open('b'), open('a')];
    await clock.advance(1000);
    for (const pair of phone.pairs) {
      pair.stall('left');
      pair.stall('right');
    }
    // a restarts: b still believes in the old channel.
    const again = open('a');
    await clock.advance(0);
    expect(again.mesh.isConnected('b')).toBe(true);
    again.mesh.send([heartbeat('a', 'b', 3)]);
    await settled();
    expect(b.received).toEqual([heartbeat('a', 'b', 3)]);
    expect(b.unreachable).toContain('a');
    await a.mesh.close();
    await clock.advance(10);
    expect(b.mesh.isConnected('a')).toBe(true);
  });

  it('takes the knock of the larger id when the channel that the smaller one dialled has long stood', async () => {
    const { clock, phone, open } = setUp();
    // Opened last, a has dialled.
    open('b');
    const a = open('a');
    await clock.advance(5000);
    for (const pair of phone.pairs) {
      pair.stall('left');
      pair.stall('right');
    }
    const again = open('b');
    await clock.advance(0);
    again.mesh.send([heartbeat('b', 'a', 4)]);
    await settled();
    expect(a.received).toEqual([heartbeat('b', 'a', 4)]);
  });

  it('pings a silent channel, and closes one that stays silent', async () => {
    const { clock, phone, open } = setUp();
    const [a, b] = [open('a', { peers: peersOf(['b']) }), open('b', { peers: peersOf(['a']) })];
    await clock.advance(60_000);
    expect(a.mesh.isConnected('b')).toBe(true);
    expect(a.states).toEqual(['b up']);
    for (const pair of phone.pairs) {
      pair.stall('left');
      pair.stall('right');
    }
    await clock.advance(2000);
    expect(a.mesh.isConnected('b')).toBe(true);
    await clock.advance(1600);
    expect(a.unreachable).toEqual(['b']);
    expect(a.states.slice(0, 3)).toEqual(['b up', 'b down', 'b up']);
    expect(b.mesh.isConnected('a')).toBe(true);
  });

  it('does not take its own suspension for the silence of others', async () => {
    const { clock, open } = setUp();
    const [a] = [open('a', { peers: peersOf(['b']) }), open('b', { peers: peersOf(['a']) })];
    await clock.advance(1000);
    // An hour passes at once: each timer fires once, as after the suspension of a process.
    const now = clock.now.bind(clock);
    clock.now = () => now() + 3_600_000;
    await clock.advance(5000);
    expect(a.states).toEqual(['b up']);
  });

  it('gives up a handshake that takes too long, on both sides, and dials again', async () => {
    const { clock, phone, open } = setUp();
    const a = open('a', { peers: peersOf(['b']) });
    phone.listen('b', () => {});
    await clock.advance(200);
    expect(phone.pairs).toHaveLength(1);
    await clock.advance(3000);
    expect(phone.pairs[0]?.left.isOpen).toBe(false);
    expect(a.mesh.status()[0]?.lastError?.code).toBe('timeout');
    await clock.advance(1000);
    expect(phone.pairs.length).toBeGreaterThan(1);
  });

  it('aborts a dial that hangs, and dials again', async () => {
    const { clock, open } = setUp();
    let dials = 0;
    open('a', {
      peers: peersOf(['b']),
      dial: (_, signal) =>
        new Promise((_resolve, reject) => {
          dials += 1;
          signal.addEventListener('abort', () => reject(new RaftkvError('cancelled', 'aborted')));
        }),
    });
    await clock.advance(2900);
    expect(dials).toBe(1);
    await clock.advance(400);
    expect(dials).toBe(2);
  });

  it('refuses further channels while too many handshakes are under way', async () => {
    const { clock, phone, open } = setUp();
    open('b', { peers: peersOf(['a']), limits: { maxPendingHandshakes: 2 } });
    const channels = await Promise.all([1, 2, 3].map(() => phone.dial('b')));
    await settled();
    expect(channels.map((channel) => channel.isOpen)).toEqual([true, true, false]);
    await clock.advance(3000);
    expect(channels.map((channel) => channel.isOpen)).toEqual([false, false, false]);
    expect((await phone.dial('b')).isOpen).toBe(true);
  });

  it('tells of messages to a peer without a channel, but not from inside send', async () => {
    const { clock, open } = setUp();
    const a = open('a');
    a.mesh.send([append('a', 'b', 10), append('a', 'b', 10), append('a', 'c', 10)]);
    expect(a.unreachable).toEqual([]);
    await clock.advance(1);
    expect([...a.unreachable].sort()).toEqual(['b', 'c']);
    expect(a.mesh.status().map((peer) => peer.droppedMessages)).toEqual([2, 1]);
  });

  it('counts what travels, the same at both ends, also over a channel that replaces another', async () => {
    const { clock, open } = setUp();
    const [a, b] = [open('a', { peers: peersOf(['b']) }), open('b', { peers: peersOf(['a']) })];
    await clock.advance(1000);
    const trafficOf = (member: typeof a) => member.mesh.status()[0]!.traffic;
    const [before, beforeThere] = [trafficOf(a), trafficOf(b)];
    a.mesh.send([append('a', 'b', 1000), append('a', 'b', 10)]);
    await clock.advance(1);
    const [after, there] = [trafficOf(a), trafficOf(b)];
    expect(after.sentMessages - before.sentMessages).toBe(2);
    expect(there.receivedMessages - beforeThere.receivedMessages).toBe(2);
    expect(after.sentBytes - before.sentBytes).toBeGreaterThan(1000);
    expect(there.receivedBytes).toBe(after.sentBytes);
    expect(after.receivedBytes).toBe(there.sentBytes);
    b.mesh.removePeer('a');
    b.mesh.addPeer(peersOf(['a'])[0]!);
    await clock.advance(20_000);
    a.mesh.send([append('a', 'b', 10)]);
    await clock.advance(1);
    expect(trafficOf(a).sentMessages).toBe(3);
    expect(a.mesh.status()[0]!.connections).toBeGreaterThan(1);
  });

  it('dials a peer that could only dial itself so far, as soon as it is known where that is', async () => {
    const { clock, open } = setUp();
    const [a, b] = [open('a', { peers: [] }), open('b', { peers: [] })];
    const toB = peersOf(['b'])[0]!;
    a.mesh.addPeer({ ...toB, address: '', dials: false });
    b.mesh.addPeer({ ...peersOf(['a'])[0]!, dials: false });
    await clock.advance(20_000);
    expect(a.mesh.isConnected('b')).toBe(false);
    a.mesh.addPeer(toB);
    await clock.advance(0);
    expect(a.mesh.isConnected('b') && b.mesh.isConnected('a')).toBe(true);
  });

  it('forgets a removed peer, and refuses it from then on', async () => {
    const { clock, open } = setUp();
    const [a, b] = [open('a', { peers: peersOf(['b']) }), open('b', { peers: peersOf(['a']) })];
    await clock.advance(1000);
    a.mesh.removePeer('b');
    await clock.advance(5000);
    expect(a.mesh.isConnected('b')).toBe(false);
    expect(a.mesh.status()).toEqual([]);
    expect(b.refused).toEqual([{ peer: 'a', code: 'wrong_member', by: 'peer' }]);
    a.mesh.addPeer(peersOf(['b'])[0]!);
    await clock.advance(0);
    expect(a.mesh.isConnected('b') && b.mesh.isConnected('a')).toBe(true);
  });

  it('ends every channel and timer when it closes, and tells nothing more', async () => {
    const { clock, phone, open } = setUp();
    const [a, b] = [open('a'), open('b')];
    await clock.advance(1000);
    const told = [a.states.length, a.unreachable.length];
    await a.mesh.close();
    await b.mesh.close();
    await a.mesh.close();
    a.mesh.send([heartbeat('a', 'b')]);
    await clock.advance(10_000);
    expect(clock.pending()).toEqual([]);
    expect(phone.pairs.some((pair) => pair.left.isOpen || pair.right.isOpen)).toBe(false);
    expect([a.states.length, a.unreachable.length]).toEqual(told);
  });
});

describe('a refused member', () => {
  it('is told of once, by both sides, and tried again slowly', async () => {
    const { clock, phone, open, stop } = setUp();
    const a = open('a', { peers: peersOf(['b']) });
    const wrong = open('b', { peers: peersOf(['a']), self: selfOf('b', 'store-b', 'another cluster') });
    await clock.advance(60_000);
    // Both have dialled, so each has refused and been refused.
    const by = (member: TestMember) => member.refused.map((refusal) => `${refusal.code} by ${refusal.by}`).sort();
    expect(by(a)).toEqual(['wrong_cluster by peer', 'wrong_cluster by self']);
    expect(by(wrong)).toEqual(['wrong_cluster by peer', 'wrong_cluster by self']);
    expect(phone.pairs.length).toBeLessThan(16);
    await stop(wrong);
    const right = open('b', { peers: peersOf(['a']) });
    await clock.advance(10_000);
    expect(right.mesh.isConnected('a') && a.mesh.isConnected('b')).toBe(true);
  });

  it('hears member_amnesia when its storage is another one, and may come back with the right one', async () => {
    const { clock, open, stop } = setUp();
    const a = open('a', { peers: peersOf(['b']) });
    const b = open('b', { peers: peersOf(['a']) });
    await clock.advance(1000);
    await stop(b);
    const forgetful = open('b', { peers: peersOf(['a']), self: selfOf('b', 'another store') });
    await clock.advance(5000);
    expect(forgetful.mesh.isConnected('a')).toBe(false);
    expect(forgetful.refused).toEqual([{ peer: 'a', code: 'member_amnesia', by: 'peer' }]);
    expect(a.refused).toEqual([{ peer: 'b', code: 'member_amnesia', by: 'self' }]);
    await stop(forgetful);
    open('b', { peers: peersOf(['a']) });
    await clock.advance(0);
    expect(a.mesh.isConnected('b')).toBe(true);
  });

  it('is not reported when it is merely busy: that passes', async () => {
    const { clock, open } = setUp();
    const a = open('a', { peers: peersOf(['b']) });
    let isBusy = true;
    open('b', {
      peers: peersOf(['a']),
      admit: async () => {
        if (isBusy) throw new RaftkvError('busy', 'not yet');
      },
    });
    await clock.advance(1000);
    isBusy = false;
    await clock.advance(2000);
    expect(a.refused).toEqual([]);
    expect(a.mesh.isConnected('b')).toBe(true);
  });

  it('cannot reach a live channel: only a finished handshake replaces one', async () => {
    const { clock, phone, open } = setUp();
    const a = open('a', { peers: peersOf(['b']) });
    const b = open('b', { peers: peersOf(['a']) });
    await clock.advance(1000);
    const impostor = open('a', { peers: peersOf(['b']), self: selfOf('a', 'stolen name') });
    await clock.advance(0);
    expect(impostor.refused.map((refusal) => refusal.code)).toEqual(['member_amnesia']);
    expect(b.states).toEqual(['a up']);
    expect(a.states).toEqual(['b up']);
    expect(phone.pairs[0]?.left.isOpen || phone.pairs[1]?.left.isOpen).toBe(true);
  });
});
