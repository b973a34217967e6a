// How the mesh leaves a relayed channel for a direct one, in the time of a fake clock: who seeks it, how often, and what a change of the network does.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../src/index.ts';
import { FakeClock } from './fake-clock.ts';
import { heartbeat } from './messages.ts';
import { MemoryPhone, openMember, peersOf, selfOf } from './mesh-member.ts';
import type { TestMember } from './mesh-member.ts';

/** Memory channels that say which way they lead; the direct way can be closed. */
class TwoWays {
  readonly clock = new FakeClock();
  readonly phone = new MemoryPhone();
  isDirectOpen = false;
  directDials: { readonly at: number; readonly to: string }[] = [];
  #path: 'direct' | 'relayed' = 'relayed';

  open(id: string, other: string): TestMember {
    const member = openMember({
      self: selfOf(id),
      peers: peersOf([other]),
      dial: (address) => this.#dial(address, this.isDirectOpen ? 'direct' : 'relayed'),
      dialDirect: async (address) => {
        this.directDials.push({ at: this.clock.now(), to: address });
        if (!this.isDirectOpen) throw new RaftkvError('timeout', 'no way');
        return this.#dial(address, 'direct');
      },
      clock: this.clock,
      random: () => 0.999_999,
    });
    this.phone.listen(id, (channel) => member.mesh.accept(this.#withPath(channel, this.#path)));
    return member;
  }

  async #dial(address: string, path: 'direct' | 'relayed'): Promise<Channel> {
    this.#path = path;
    return this.#withPath(await this.phone.dial(address), path);
  }

  #withPath(channel: Channel, path: 'direct' | 'relayed'): Channel {
    return Object.defineProperty(channel, 'path', { value: path });
  }
}

const pathOf = (member: TestMember): string | undefined => member.mesh.status()[0]?.path;

async function relayedPair() {
  const ways = new TwoWays();
  // First b, which dials nobody until its pause is over: so a is the one that dialled.
  const b = ways.open('b', 'a');
  const a = ways.open('a', 'b');
  await ways.clock.advance(200);
  expect([pathOf(a), pathOf(b)]).toEqual(['relayed', 'relayed']);
  return { ways, a, b };
}

describe('a mesh with a relayed channel', () => {
  it('seeks the direct way from the side that dialled, with pauses that grow to a minute', async () => {
    const { ways, a, b } = await relayedPair();
    await ways.clock.advance(400_000);
    expect([...new Set(ways.directDials.map(({ to }) => to))]).toEqual(['b']);
    const moments = ways.directDials.map(({ at }) => Math.round(at / 1000));
    expect(moments.slice(0, 8)).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    expect([a.mesh.isConnected('b'), b.mesh.isConnected('a')]).toEqual([true, true]);
    expect(a.states).toEqual(['b up']);
  });

  it('takes the direct way when it works again, at both sides, and seeks no more', async () => {
    const { ways, a, b } = await relayedPair();
    ways.isDirectOpen = true;
    await ways.clock.advance(1100);
    expect([pathOf(a), pathOf(b)]).toEqual(['direct', 'direct']);
    expect([a.states, b.states]).toEqual([['b up'], ['a up']]);
    a.mesh.send([heartbeat('a', 'b', 4)]);
    await ways.clock.advance(1);
    expect(b.received).toEqual([heartbeat('a', 'b', 4)]);
    const dials = ways.directDials.length;
    await ways.clock.advance(200_000);
    expect(ways.directDials).toHaveLength(dials);
    expect(ways.phone.pairs.filter(({ left }) => left.isOpen)).toHaveLength(1);
  });

  it.each(['a', 'b'] as const)('seeks it at once when the network of %s changed', async (id) => {
    const { ways, a, b } = await relayedPair();
    await ways.clock.advance(100_000);
    ways.isDirectOpen = true;
    const before = ways.clock.now();
    (id === 'a' ? a : b).mesh.networkChanged();
    await ways.clock.advance(1);
    expect(ways.directDials.at(-1)?.at).toBe(before);
    expect([pathOf(a), pathOf(b)]).toEqual(['direct', 'direct']);
  });

  it('takes a direct channel from the other side at once', async () => {
    const { ways, a } = await relayedPair();
    ways.isDirectOpen = true;
    // As an offer of the other side would, which needs a reason of its own to come.
    const other = ways.open('b', 'a');
    await ways.clock.advance(50);
    expect([pathOf(a), pathOf(other)]).toEqual(['direct', 'direct']);
  });

  it('goes back to the relay when the direct way is lost, and seeks anew with the shortest pause', async () => {
    const { ways, a, b } = await relayedPair();
    await ways.clock.advance(130_000);
    ways.isDirectOpen = true;
    a.mesh.networkChanged();
    await ways.clock.advance(5000);
    expect(pathOf(a)).toBe('direct');
    ways.isDirectOpen = false;
    for (const pair of ways.phone.pairs) pair.cut();
    await ways.clock.advance(200);
    expect([pathOf(a), pathOf(b)]).toEqual(['relayed', 'relayed']);
    ways.isDirectOpen = true;
    await ways.clock.advance(1100);
    expect(pathOf(a)).toBe('direct');
  });

  it('stops seeking for a peer that was removed', async () => {
    const { ways, a } = await relayedPair();
    a.mesh.removePeer('b');
    await ways.clock.advance(100_000);
    a.mesh.networkChanged();
    await ways.clock.advance(100);
    expect(ways.directDials).toEqual([]);
  });
});
