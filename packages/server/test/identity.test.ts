// Founders compute the same ids; different clusters, names and storages get different ones.
import { describe, expect, it } from 'vitest';
import { clusterIdentity, drawnClusterId } from '../src/identity.ts';

const founders = ['node1', 'node2', 'node3'].map((name, i) => ({ name, address: `127.0.0.1:${8080 + i}` }));

describe('identity', () => {
  it('does not depend on the order of the list or on addresses', () => {
    const one = clusterIdentity('token', founders);
    const other = clusterIdentity(
      'token',
      founders.toReversed().map((founder, i) => ({ ...founder, address: `10.0.0.${i}:1` })),
    );
    expect(other.clusterId).toBe(one.clusterId);
    expect(new Map(other.members.map((m) => [m.name, m.id]))).toEqual(new Map(one.members.map((m) => [m.name, m.id])));
  });

  it('gives ids of 16 hexadecimal digits that never change', () => {
    const { clusterId, members } = clusterIdentity('raftkv', founders);
    expect([clusterId, ...members.map((member) => member.id)]).toMatchSnapshot();
  });

  it('gives no id that a log could give, so that a founder is known by the shape of its id', () => {
    for (let i = 0; i < 20_000; i += 1) {
      const [member] = clusterIdentity(`token${i}`, founders.slice(0, 1)).members;
      expect(Number.parseInt(member!.id.slice(2), 16)).toBeGreaterThan(2 ** 44);
    }
  });

  it('tells clusters apart by token and by names', () => {
    const ids = [
      clusterIdentity('a', founders),
      clusterIdentity('b', founders),
      clusterIdentity('a', founders.slice(0, 2)),
      clusterIdentity('a', [{ name: 'node1node2', address: 'x:1' }, founders[2]!]),
    ].map((identity) => identity.clusterId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('draws the id of a cluster from the storages of its founders, in whichever order they are listed', () => {
    const stores = ['s1', 's2', 's3'];
    const drawn = (token: string, ...storeIds: string[]): string =>
      drawnClusterId(
        token,
        founders.map(({ name }, i) => ({ name, storeId: storeIds[i]! })),
      );
    const id = drawn('token', ...stores);
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(drawnClusterId('token', founders.map(({ name }, i) => ({ name, storeId: stores[i]! })).toReversed())).toBe(
      id,
    );
    const others = [
      drawn('another', ...stores),
      drawn('token', 's2', 's1', 's3'),
      drawn('token', 'anew', 's2', 's3'),
      drawn('token', 's1', 's2', 'anew'),
      clusterIdentity('token', founders).clusterId,
      clusterIdentity('token', founders).foundingId,
    ];
    expect(new Set([id, ...others]).size).toBe(others.length + 1);
    // It is noted nowhere but in the founders' storages: other software must come to the same.
    expect(id).toMatchInlineSnapshot(`"be8f8346900133ed"`);
  });

  it('refuses two members of one name or address', () => {
    const twice = [founders[0]!, { ...founders[1]!, name: 'node1' }];
    expect(() => clusterIdentity('raftkv', twice)).toThrow(/two members share the name node1/);
    const same = [founders[0]!, { ...founders[1]!, address: founders[0]!.address }];
    expect(() => clusterIdentity('raftkv', same)).toThrow(/two members share the address 127\.0\.0\.1:8080/);
  });
});
