// Everything that a user or a neighbour can get wrong: each is answered with one readable line that carries a code, without a
// stack, with the right exit code, and whoever is innocent lives on.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isOneErrorLine, runCli } from './harness/cli.ts';
import type { CliResult } from './harness/cli.ts';
import { Cluster, withCluster } from './harness/cluster.ts';
import { toBase64 } from './harness/gateway.ts';
import { NodeProcess } from './harness/node-process.ts';
import { freePorts } from './harness/ports.ts';
import { waitFor, within } from './harness/wait.ts';

function expectRefused(result: CliResult, exitCode: number, errorCode: string): void {
  expect(isOneErrorLine(result.stderr), result.stderr).toBe(true);
  expect(result.stderr).toContain(`[${errorCode}]`);
  expect(result.code).toBe(exitCode);
  expect(result.stdout).toBe('');
}

/** The lines of a server's stderr that are not its JSON log. */
function plainLines(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n');
}

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(cluster.logTails());
});
afterAll(() => cluster?.destroy());

const client = (...args: string[]): Promise<CliResult> => runCli([...args, '--endpoints', cluster.addresses.join(',')]);

describe('a command that is wrong', () => {
  it('names an empty key', async () => {
    expectRefused(await client('put', '', 'value'), 1, 'key_empty');
  });

  it('names a value that is too large', async () => {
    const result = await runCli(['batch', '--endpoints', cluster.address(0)], {
      input: `put big ${'x'.repeat(9 * 1024 * 1024)}\n`,
    });
    expect(isOneErrorLine(result.stderr), result.stderr.slice(0, 500)).toBe(true);
    expect(result.stderr).toMatch(/\[(value_too_large|batch_too_large|request_too_large)\]/);
    expect(result.code).toBe(1);
  });

  it('exits 2 on an unknown flag and names it', async () => {
    const result = await client('get', 'key', '--frobnicate');
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--frobnicate');
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('exits 2 on an unknown command', async () => {
    const result = await runCli(['frobnicate']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('frobnicate');
  });

  it('says so when nobody answers at the endpoints', async () => {
    const result = await runCli(['get', 'key', '--endpoints', '127.0.0.1:1']);
    expectRefused(result, 1, 'connect_failed');
  });
});

describe('a config file that is wrong', () => {
  const serveWith = (yaml: string): Promise<CliResult> => {
    const file = path.join(cluster.directory, 'bad.yaml');
    writeFileSync(file, yaml);
    return runCli(['serve', '--config', file, '--id', 'node1']);
  };

  it('is refused with the key that nobody knows', async () => {
    const result = await serveWith('raft: { election_timeuot: 300ms }\n');
    expectRefused(result, 2, 'config_invalid');
    expect(result.stderr).toContain('election_timeuot');
  });

  it('is refused with the duration that is none', async () => {
    const result = await serveWith('raft: { election_timeout: soon }\n');
    expectRefused(result, 2, 'config_invalid');
    expect(result.stderr).toContain('election_timeout');
    expect(result.stderr).toContain('soon');
  });

  it('is refused when it is not YAML', async () => {
    expectRefused(await serveWith('raft: [unclosed\n'), 2, 'config_invalid');
  });

  it('is refused when it is not there', async () => {
    const result = await runCli(['serve', '--config', path.join(cluster.directory, 'none.yaml')]);
    expectRefused(result, 2, 'config_invalid');
  });
});

describe('a server that cannot be', () => {
  it('names the port that is in use, and leaves its owner alone', async () => {
    const port = String(cluster.ports[0]);
    const args = ['serve', '--id', 'a', '--port', port, '--peers', `a:127.0.0.1:${port}`];
    const result = await runCli([...args, '--data-dir', path.join(cluster.directory, 'intruder')]);
    expectRefused({ ...result, stderr: plainLines(result.stderr) }, 1, 'port_in_use');
    expect(result.stderr).toContain(port);
    expect(await cluster.gateways[0]!.put('owner', 'alive')).toBeGreaterThan(0);
  });

  it('names the process that holds its data directory, and leaves it alone', async () => {
    const [spare] = await freePorts(1);
    const args = cluster.serveArguments(1).map((arg) => (arg === String(cluster.ports[1]) ? String(spare) : arg));
    const peers = args[args.indexOf('--peers') + 1]!.replace(`:${cluster.ports[1]}`, `:${spare}`);
    args[args.indexOf('--peers') + 1] = peers;
    const result = await runCli(args);
    expectRefused({ ...result, stderr: plainLines(result.stderr) }, 1, 'storage_locked');
    expect(result.stderr).toContain(String(cluster.process(1).pid));
    expect(await cluster.gateways[1]!.put('holder', 'alive')).toBeGreaterThan(0);
  });

  it('is refused by the members when its data directory was emptied, and they go on', () =>
    withCluster({ nodes: 3 }, async (other) => {
      await other.gateways[0]!.put('key', 'value');
      await other.stop(2);
      rmSync(other.dataDirectory(2), { recursive: true });
      mkdirSync(other.dataDirectory(2));
      const server = other.spawn(2);
      await within(60_000, 'the emptied member is refused', server.exited);
      expect(server.exit).toEqual({ code: 1, signal: null });
      const words = plainLines(server.stderr);
      expect(isOneErrorLine(words), words).toBe(true);
      expect(words).toContain('[member_amnesia]');
      expect(await other.gateways[0]!.put('key', 'newer')).toBeGreaterThan(0);
    }));

  it('of another cluster is turned away, and the cluster goes on', async () => {
    const [port] = await freePorts(1);
    const peers = [`stranger:127.0.0.1:${port}`, `node1:${cluster.address(0)}`, `node2:${cluster.address(1)}`].join(
      ',',
    );
    const args = ['serve', '--id', 'stranger', '--port', String(port), '--peers', peers];
    const more = ['--cluster-token', 'another', '--data-dir', path.join(cluster.directory, 'stranger')];
    const termOf = async (): Promise<number> => (await cluster.gateways[0]!.status()).term;
    /** Whether the term is what it was. */
    const knock = async (): Promise<boolean> => {
      const term = await termOf();
      // It goes on knocking (a member of its own cluster may yet take that address) and says why it is turned away.
      const stranger = new NodeProcess({ name: 'stranger', args: [...args, ...more] });
      await waitFor('it is told why', () => stranger.stderr.includes('wrong_cluster'));
      stranger.signal('SIGKILL');
      await stranger.exited;
      expect(stranger.stderr).not.toContain('"running"');
      expect(stranger.stderr).not.toMatch(/^\s+at /m);
      expect(await cluster.gateways[0]!.put('after', 'the stranger')).toBeGreaterThan(0);
      return (await termOf()) === term;
    };
    // A busy machine may hold an election of its own meanwhile, but not each time.
    await waitFor('it disturbs nobody', knock);
  });
});

describe('bytes that are no protocol', () => {
  it('end their own connection and no other', async () => {
    const garbage = net.connect(cluster.ports[0]!, '127.0.0.1');
    garbage.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => {
      garbage.on('close', () => resolve());
    });
    garbage.resume();
    garbage.write(Buffer.alloc(4096, 0xfe));
    await within(60_000, 'the connection is closed', closed);
    expect(await cluster.gateways[0]!.put('after', 'garbage')).toBeGreaterThan(0);
  });

  it('in a body are a 400 with the gateway’s words', async () => {
    const bad = await cluster.gateways[0]!.request('POST', '/v3/kv/put', { key: '' });
    expect(bad.status).toBe(400);
    expect(bad.body['error']).toBe('etcdserver: key is not provided');
    const notBase64 = await cluster.gateways[0]!.request('POST', '/v3/kv/put', { key: '%%%' });
    expect(notBase64.status).toBe(400);
    expect(await cluster.gateways[0]!.put('after', 'a bad body')).toBeGreaterThan(0);
  });
});

describe('a cluster without a quorum', () => {
  it('refuses writes and linearizable reads in time, reads locally, and recovers', () =>
    withCluster({ nodes: 3 }, async (other) => {
      const gateway = other.gateways[0]!;
      await gateway.put('key', 'value');
      await waitFor('the value is everywhere', async () => (await gateway.get('key', { serializable: true })) !== null);
      await Promise.all([other.kill(1), other.kill(2)]);
      const endpoint = ['--endpoints', other.address(0)];
      const startedAt = performance.now();
      const [put, get, local, http] = await Promise.all([
        runCli(['put', 'key', 'newer', ...endpoint]),
        runCli(['get', 'key', ...endpoint]),
        gateway.get('key', { serializable: true }),
        gateway.request('POST', '/v3/kv/range', { key: toBase64('key') }).catch(String),
      ]);
      expect(performance.now() - startedAt).toBeLessThan(60_000);
      for (const result of [put, get]) {
        expect(isOneErrorLine(result.stderr), result.stderr).toBe(true);
        expect(result.stderr).toMatch(/\[(no_leader|timeout)\]/);
        expect(result.code).toBe(1);
      }
      expect(local).toBe('value');
      expect(http).not.toMatchObject({ status: 200 });
      expect((await gateway.request('GET', '/livez')).status).toBe(200);
      expect((await gateway.request('GET', '/readyz')).status).toBe(503);
      await Promise.all([other.start(1), other.start(2)]);
      await waitFor('writes again', async () => (await gateway.put('key', 'newest')) > 0);
      expect(await gateway.get('key')).toBe('newest');
    }));
});
