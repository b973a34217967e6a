// What members tell of themselves in version 2 of the handshake, and what the mesh does with it.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import type { Greeted } from '../src/index.ts';
import { heartbeat } from './messages.ts';
import { peersOf } from './mesh-member.ts';
import { setUp } from './mesh-stage.ts';

describe('a mesh of members that tell facts', () => {
  it('closes the channel of an older start of a member as soon as a newer one is admitted, and lets none in after it', async () => {
    const { clock, phone, open } = setUp();
    const boots = new Map<string, number>();
    const admit = async ({ memberId, facts }: Greeted): Promise<void> => {
      const { bootCount = 0 } = facts?.incarnation ?? {};
      if (bootCount > 0 && bootCount < (boots.get(memberId) ?? 0)) throw new RaftkvError('member_superseded', 'no');
      if (bootCount > 0) boots.set(memberId, bootCount);
    };
    const start = (id: string, bootCount: number, others: readonly string[]) =>
      open(id, {
        peers: peersOf(others),
        admit,
        factsFor: () => ({ incarnation: { bootCount, draws: ['0'.repeat(16)] }, founding: undefined }),
      });
    const b = start('b', 1, ['a']);
    const zombie = start('a', 6, ['b']);
    await clock.advance(1000);
    expect([b.mesh.isConnected('a'), zombie.mesh.isConnected('b')]).toEqual([true, true]);
    const successor = start('a', 7, ['b']);
    await clock.advance(0);
    expect(successor.mesh.isConnected('b')).toBe(true);
    expect(zombie.mesh.isConnected('b')).toBe(false);
    await clock.advance(60_000);
    expect(zombie.refused).toContainEqual({ peer: 'b', code: 'member_superseded', by: 'peer' });
    expect([b.mesh.isConnected('a'), successor.mesh.isConnected('b')]).toEqual([true, true]);
    successor.mesh.send([heartbeat('a', 'b')]);
    zombie.mesh.send([heartbeat('a', 'b', 9)]);
    await clock.advance(1000);
    expect(b.received).toEqual([heartbeat('a', 'b')]);
    expect(phone.pairs.length).toBeLessThan(20);
  });

  it('tells those that are connected when there is more to tell of the founding, once', async () => {
    const { clock, open } = setUp();
    const heard: string[] = [];
    const stores = new Map([['a', 'store-a']]);
    const incarnation = { bootCount: 1, draws: ['0'.repeat(16)] };
    const admit =
      (by: string) =>
      async ({ memberId, facts }: Greeted): Promise<void> => {
        if (facts !== undefined) heard.push(`${by}: ${memberId} ${[...(facts.founding ?? [])].join(' ')}`);
      };
    const a = open('a', {
      peers: peersOf(['b', 'c']),
      admit: admit('a'),
      factsFor: () => ({ incarnation, founding: new Map(stores) }),
    });
    open('b', { peers: peersOf(['a']), admit: admit('b'), factsFor: () => ({ incarnation, founding: undefined }) });
    open('c', { peers: peersOf(['a']), admit: async () => {} });
    await clock.advance(1000);
    expect([a.mesh.isConnected('b'), a.mesh.isConnected('c')]).toEqual([true, true]);
    expect(heard.filter((line) => line.startsWith('b'))).toContain('b: a a,store-a');
    heard.length = 0;
    stores.set('b', 'store-b');
    a.mesh.tellFounding();
    await clock.advance(1000);
    // c speaks version 1, in which there is no such word.
    expect(heard).toEqual(['b: a a,store-a b,store-b']);
    expect([a.mesh.isConnected('b'), a.mesh.isConnected('c')]).toEqual([true, true]);
  });
});
