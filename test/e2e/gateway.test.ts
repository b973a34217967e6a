// etcd's v3 JSON gateway on real processes, asked as curl would, on every node: followers forward. The shapes are those that
// etcd itself sends; the gateway's own tests go into their details.
import http from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { fromBase64, keyValuesOf, prefixEnd, revisionOf, toBase64 } from './harness/gateway.ts';
import type { GatewayClient } from './harness/gateway.ts';
import { waitFor } from './harness/wait.ts';

let cluster: Cluster;
let follower: GatewayClient;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
  const leader = await cluster.leader();
  follower = cluster.gateways[leader === 0 ? 1 : 0]!;
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(cluster.logTails());
});
afterAll(() => cluster?.destroy());

describe('the etcd gateway on each node', () => {
  it('takes a put on any node and shows it on all', async () => {
    for (const [node, gateway] of cluster.gateways.entries()) {
      const put = await gateway.call('/v3/kv/put', { key: toBase64('any'), value: toBase64(`${node}`) });
      expect(put['header']).toMatchObject({
        cluster_id: expect.stringMatching(/^\d+$/),
        member_id: expect.stringMatching(/^\d+$/),
        revision: expect.stringMatching(/^\d+$/),
        raft_term: expect.stringMatching(/^\d+$/),
      });
      for (const reader of cluster.gateways) expect(await reader.get('any')).toBe(`${node}`);
    }
  });

  it('ranges over a prefix with limit, count and more', async () => {
    for (const name of ['a', 'b', 'c']) await follower.put(`range/${name}`, name);
    const body = await follower.call('/v3/kv/range', {
      key: toBase64('range/'),
      range_end: toBase64(prefixEnd('range/')),
      limit: 2,
    });
    expect(keyValuesOf(body).map((one) => one.key)).toEqual(['range/a', 'range/b']);
    expect(body['count']).toBe('3');
    expect(body['more']).toBe(true);
  });

  it('reads an old revision, and leaves zero values out', async () => {
    const old = await follower.put('history', 'old');
    await follower.put('history', 'new');
    const body = await follower.call('/v3/kv/range', { key: toBase64('history'), revision: String(old) });
    expect(keyValuesOf(body)[0]).toMatchObject({ value: 'old', modRevision: old, version: 1 });
    expect(await follower.call('/v3/kv/range', { key: toBase64('nothing here') })).not.toHaveProperty('count');
  });

  it('deletes a range and counts what was there', async () => {
    for (const name of ['a', 'b']) await follower.put(`delete/${name}`, name);
    const range = { key: toBase64('delete/'), range_end: toBase64(prefixEnd('delete/')) };
    expect((await follower.call('/v3/kv/deleterange', range))['deleted']).toBe('2');
    const again = await follower.call('/v3/kv/deleterange', range);
    expect(again).not.toHaveProperty('deleted');
  });

  it('runs a transaction: compare, then or else', async () => {
    expect(await follower.cas('txn', null, 'one')).toBe(true);
    expect(await follower.cas('txn', null, 'two')).toBe(false);
    expect(await follower.cas('txn', 'one', 'two')).toBe(true);
    const body = await follower.call('/v3/kv/txn', {
      compare: [{ key: toBase64('txn'), target: 'VALUE', result: 'EQUAL', value: toBase64('wrong') }],
      success: [{ request_put: { key: toBase64('txn'), value: toBase64('three') } }],
      failure: [{ request_range: { key: toBase64('txn') } }],
    });
    expect(body).not.toHaveProperty('succeeded');
    const [response] = body['responses'] as Record<string, Record<string, unknown>>[];
    expect(keyValuesOf(response!['response_range']!)[0]!.value).toBe('two');
  });

  it('streams a watch, one JSON object a line, from a revision on', async () => {
    const from = await follower.put('watch/1', 'one');
    const stream = openWatch(follower.address, {
      key: toBase64('watch/'),
      range_end: toBase64(prefixEnd('watch/')),
      start_revision: String(from),
    });
    try {
      await cluster.gateways[2]!.put('watch/2', 'two');
      await cluster.gateways[0]!.delete('watch/1');
      await waitFor('three events', () => stream.events().length >= 3);
      expect(stream.lines[0]).toMatchObject({ result: { created: true } });
      expect(stream.events().map((event) => [event.type ?? 'PUT', fromBase64(event.kv.key)])).toEqual([
        ['PUT', 'watch/1'],
        ['PUT', 'watch/2'],
        ['DELETE', 'watch/1'],
      ]);
    } finally {
      stream.close();
    }
  });

  it('answers 501 with a code to what it does not do yet', async () => {
    const reply = await follower.request('POST', '/v3/lease/grant', { TTL: 60 });
    expect(reply.status).toBe(501);
    expect(reply.body).toMatchObject({ code: 12, error: expect.stringContaining('not implemented') });
  });

  it('tells its version, health, members and status', async () => {
    const version = await follower.request('GET', '/version');
    expect(version.body['etcdserver']).toMatch(/^\d+\.\d+\.\d+$/);
    const health = await follower.request('GET', '/health');
    expect(health.text).toContain('"health":"true"');
    const members = (await follower.call('/v3/cluster/member/list', {}))['members'] as Record<string, unknown>[];
    expect(members.map((one) => one['name']).toSorted()).toEqual(['node1', 'node2', 'node3']);
    await waitFor('all know one leader', async () => {
      const leaders = await Promise.all(cluster.gateways.map(async (gateway) => (await gateway.status()).leader));
      return new Set(leaders).size === 1 && leaders[0] !== '0';
    });
  });

  it('answers livez, readyz, metrics and a page', async () => {
    for (const gateway of cluster.gateways) {
      expect((await gateway.request('GET', '/livez')).status).toBe(200);
      expect((await gateway.request('GET', '/readyz')).status).toBe(200);
      const metrics = await gateway.request('GET', '/metrics');
      expect(metrics.status).toBe(200);
      expect(metrics.text).toMatch(/^# HELP \S+ \S/m);
      expect(metrics.text).toMatch(/^raftkv_\S+ \d/m);
      const page = await gateway.request('GET', '/');
      expect(page.status).toBe(200);
      expect(page.text).toContain('<html');
    }
  });

  it('answers 405 to a GET of a call and 404 to a path that is none', async () => {
    expect((await follower.request('GET', '/v3/kv/put')).status).toBe(405);
    expect((await follower.request('GET', '/nothing/here')).status).toBe(404);
  });

  it('refuses a read below the compacted revision with etcd’s words', async () => {
    const old = await follower.put('compact', '1');
    await follower.put('compact', '2');
    const revision = await follower.put('compact', '3');
    await follower.call('/v3/kv/compaction', { revision: String(revision) });
    const reply = await follower.request('POST', '/v3/kv/range', { key: toBase64('compact'), revision: String(old) });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 11, error: expect.stringContaining('has been compacted') });
    expect(revisionOf(await follower.call('/v3/kv/range', { key: toBase64('compact') }))).toBeGreaterThanOrEqual(
      revision,
    );
  });

  it('answers a client that offers HTTP/2, as curl --http2 and Java do, though /ws listens for upgrades', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    const status = await new Promise((resolve, reject) => {
      const options = { method: 'POST', headers, agent: false };
      const request = http.request(`http://${follower.address}/v3/kv/put`, options, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      });
      request.once('error', reject).end(JSON.stringify({ key: toBase64('offered'), value: toBase64('1') }));
    });
    expect(status).toBe(200);
    expect(await follower.get('offered')).toBe('1');
  });

  it('stops in order while a watch and a connection that never asked are open, and tells the watch', async () => {
    const node = cluster.gateways.indexOf(follower);
    const stream = openWatch(follower.address, { key: toBase64('a') });
    const [host, port] = follower.address.split(':');
    const idle = connect(Number(port), host).on('error', () => undefined);
    try {
      await waitFor('the watch begins', () => stream.lines.length > 0);
      expect(await cluster.stop(node)).toMatchObject({ code: 0 });
      expect(stream.lines.at(-1)).toMatchObject({ error: { message: 'etcdserver: server stopped' } });
    } finally {
      stream.close();
      idle.destroy();
    }
  });
});

interface WatchEvent {
  readonly type?: string;
  readonly kv: { readonly key: string };
}
interface WatchLine {
  readonly result: { readonly events?: readonly WatchEvent[] };
}

/** A watch over HTTP, line by line as it arrives. */
function openWatch(
  address: string,
  create: object,
): { lines: WatchLine[]; events: () => WatchEvent[]; close: () => void } {
  const lines: WatchLine[] = [];
  const request = http.request(`http://${address}/v3/watch`, { method: 'POST' }, (response) => {
    let rest = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      for (const line of parts) if (line.trim() !== '') lines.push(JSON.parse(line) as WatchLine);
    });
    response.on('error', () => undefined);
  });
  request.on('error', () => undefined);
  request.end(JSON.stringify({ create_request: create }));
  return {
    lines,
    events: () => lines.flatMap((line) => line.result.events ?? []),
    close: () => request.destroy(),
  };
}
