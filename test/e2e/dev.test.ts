// `raftkv dev`, which is what `npm start` runs: a cluster of processes that come up together and go together, and a word about one that
// does not stay.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOneErrorLine, runCli } from './harness/cli.ts';
import { GatewayClient } from './harness/gateway.ts';
import { binPath } from './harness/node-process.ts';
import { freePorts } from './harness/ports.ts';
import { waitFor, within } from './harness/wait.ts';

interface DevSession {
  readonly control: string;
  readonly token: string;
  readonly endpoints: readonly string[];
}

let directory: string;
let ports: number[];
let dev: ChildProcess;
let stdout: string;
const gateways: GatewayClient[] = [];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'raftkv-dev-'));
  ports = await freePorts(3);
  gateways.push(...ports.map((port) => new GatewayClient(`127.0.0.1:${port}`)));
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) gateway.close();
  if (!hasEnded()) {
    dev.kill('SIGTERM');
    await once(dev, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

function startDev(): void {
  stdout = '';
  dev = spawn(process.execPath, [binPath, 'dev', '--no-cities', '--port', String(ports[0]), '--data-dir', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  dev.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
}

const said = async (what: string | RegExp): Promise<void> => {
  await waitFor(`it says ${what}, or ends`, () => stdout.search(what) >= 0 || hasEnded(), {
    timeoutMilliseconds: 60_000,
  });
  if (stdout.search(what) < 0) throw new Error(`it ended (${String(dev.exitCode)}) and said only:\n${stdout}`);
};
const hasEnded = (): boolean => dev.exitCode !== null || dev.signalCode !== null;
const exit = (): Promise<unknown[]> => within(60_000, 'dev ends', once(dev, 'exit'));
const answering = async (): Promise<boolean[]> =>
  Promise.all(
    gateways.map((gateway) =>
      gateway.request('GET', '/livez').then(
        () => true,
        () => false,
      ),
    ),
  );

describe('a local cluster', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('says what to try, and ends as a whole on %s', async (signal) => {
    startDev();
    await said('Ctrl-C stops all');
    for (const port of ports) expect(stdout).toContain(`ready at http://127.0.0.1:${port}`);
    expect(await gateways[0]!.put('key', 'value')).toBeGreaterThan(0);
    expect(await gateways[2]!.get('key')).toBe('value');
    const ended = exit();
    dev.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(await answering()).toEqual([false, false, false]);
  });

  it('gives commands that work as they are printed', async () => {
    startDev();
    await said('Ctrl-C stops all');
    const commands = stdout.split('\n').filter((line) => line.startsWith('  npx raftkv '));
    expect(commands).toHaveLength(4);
    for (const command of commands.filter((line) => !line.includes(' watch '))) {
      const words = command.trim().split(/\s+/).slice(2);
      expect(await runCli(words.map((word) => word.replaceAll("'", ''))), command).toMatchObject({
        code: 0,
        stderr: '',
      });
    }
    const kill = /kill -9 (\d+) +# (node\d)/.exec(stdout)!;
    process.kill(Number(kill[1]), 'SIGKILL');
    await said(`${kill[2]} ended (SIGKILL)`.replace(/[()]/g, '.'));
    await waitFor('a write', async () => (await gateways[0]!.put('key', 'newer')) > 0);
    expect((await answering()).filter(Boolean)).toHaveLength(2);
  });

  it('is founded when it says that it is up: one that is killed at once is waited for by nobody', async () => {
    startDev();
    await said('kill -9');
    process.kill(Number(/kill -9 (\d+)/.exec(stdout)![1]), 'SIGKILL');
    await waitFor('a write', async () => (await gateways[0]!.put('key', 'value')) > 0);
  });

  it('says why a member does not run, and does not call that a cluster that is up', async () => {
    startDev();
    await said('Ctrl-C stops all');
    const ended = exit();
    dev.kill('SIGINT');
    await ended;
    const identity = path.join(directory, 'node2/identity');
    writeFileSync(identity, readFileSync(identity).fill(0xff, 10, 20));
    startDev();
    await said(/node2 ended .exit code 1.: .*identity.*\[storage_\w+\]/);
    await said('2 of 3 members run. Ctrl-C stops them.');
    expect(stdout).not.toContain('The cluster is up');
    await waitFor('a write', async () => (await gateways[0]!.put('key', 'value')) > 0);
  });

  it('serves its page at every member, whose key ends and mends members, and ends as a whole with one paused', async () => {
    startDev();
    await said('Ctrl-C stops all');
    for (const port of ports) {
      const page = await fetch(`http://127.0.0.1:${port}/`);
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await page.text()).toContain('<div id="root">');
    }
    const found = await fetch(`http://127.0.0.1:${ports[1]}/dev.json`);
    const { control, token, endpoints } = (await found.json()) as DevSession;
    expect(endpoints).toEqual(ports.map((port) => `127.0.0.1:${port}`));
    const ask = async (where: string, method = 'POST'): Promise<string[]> => {
      const answer = await fetch(`${control}${where}`, { method, headers: { authorization: `Bearer ${token}` } });
      expect(answer.ok, where).toBe(true);
      const { members } = (await answer.json()) as { members: { process: string }[] };
      return members.map((member) => member.process);
    };
    expect(await ask('/members/node3/kill')).toEqual(['running', 'running', 'killed']);
    await said('node3 was killed from the page');
    expect((await answering()).filter(Boolean)).toHaveLength(2);
    await waitFor('a write without it', async () => (await gateways[0]!.put('key', 'value')) > 0);
    await ask('/members/node3/start');
    const areRunning = async (): Promise<boolean> => (await ask('/state', 'GET')).every((state) => state === 'running');
    await waitFor('all three', areRunning);
    await waitFor('the third has it', async () => (await gateways[2]!.get('key')) === 'value');
    for (const name of ['node1', 'node2', 'node3']) await ask(`/members/${name}/stop`);
    expect(await answering()).toEqual([false, false, false]);
    expect(dev.exitCode).toBeNull();
    for (const name of ['node1', 'node2', 'node3']) await ask(`/members/${name}/start`);
    await waitFor('a write again', async () => (await gateways[0]!.put('key', 'newer')) > 0);
    // Two of them were enough for that.
    await waitFor('all three again', areRunning);
    await ask('/members/node2/pause');
    const ended = exit();
    dev.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(await answering()).toEqual([false, false, false]);
  });

  it('is the same cluster after a restart, and another one once its folder was emptied', async () => {
    const clusterId = async (): Promise<string> => {
      startDev();
      await said('Ctrl-C stops all');
      const id = await waitFor('a cluster that is founded', async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${ports[0]}/metrics`)).text();
        return /raftkv_member_info\{cluster="(\w+)"/.exec(metrics)?.[1];
      });
      const ended = exit();
      dev.kill('SIGINT');
      await ended;
      return id;
    };
    const first = await clusterId();
    expect(await clusterId()).toBe(first);
    rmSync(directory, { recursive: true });
    expect(await clusterId()).not.toBe(first);
  });

  it('refuses a port in use before it starts anything', async () => {
    startDev();
    await said('Ctrl-C stops all');
    const second = await runCli(['dev', '--port', String(ports[2]), '--data-dir', path.join(directory, 'other')]);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(`port ${ports[2]} is in use`);
    expect(isOneErrorLine(second.stderr)).toBe(true);
  });
});
