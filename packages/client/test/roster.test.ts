// A client goes where the members go: endpoints that it was given may all be gone one day, and it was told of the others in time.
import { describe, expect, it } from 'vitest';
import { FakeCluster, FakeNode, client } from './fake-cluster.ts';

describe('a client', () => {
  it('turns to members that it learnt of when all its endpoints are gone, and back when they are not', async () => {
    const cluster = new FakeCluster(4);
    const dialled: string[] = [];
    const kv = client(cluster, {
      endpoints: ['node1:8080', 'node2:8080'],
      dial: (endpoint, options) => {
        dialled.push(endpoint);
        return cluster.dial(endpoint, options);
      },
    });
    await kv.put('a', 1);
    expect(new Set(dialled)).toEqual(new Set(['node1:8080', 'node2:8080']));
    cluster.elect(2);
    await kv.put('a', 2);
    cluster.nodes[0]!.kill();
    cluster.nodes[1]!.kill();
    // The leader alone is left of those that it is connected to; then that one goes too.
    await kv.put('a', 3);
    cluster.elect(3);
    cluster.nodes[2]!.kill();
    await kv.put('a', 4);
    cluster.nodes[0]!.start();
    cluster.elect(0);
    cluster.nodes[3]!.kill();
    expect(await kv.get('a')).toBe(4);
  });

  it('is told of members that come later', async () => {
    const cluster = new FakeCluster(1);
    const kv = client(cluster);
    await kv.put('a', 1);
    cluster.nodes.push(new FakeNode(cluster, 1, {}));
    cluster.nodes[0]!.membersChanged();
    await kv.get('a');
    cluster.elect(undefined);
    cluster.nodes[0]!.kill();
    cluster.elect(1);
    await kv.put('a', 2);
    expect(cluster.nodes[1]!.writes).toBe(1);
  });

  it('does not dial members that it does not need', async () => {
    const cluster = new FakeCluster(3);
    const dialled: string[] = [];
    const kv = client(cluster, {
      endpoints: ['node1:8080'],
      dial: (endpoint, options) => {
        dialled.push(endpoint);
        return cluster.dial(endpoint, options);
      },
    });
    for (let i = 0; i < 20; i += 1) await kv.put('a', i);
    expect(dialled).toEqual(['node1:8080']);
  });
});
