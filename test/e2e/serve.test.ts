// `raftkv serve` as a supervisor sees it: what it does when those who read its output go away or stop reading, and on signals. What it prints
// when it is refused is in errors.test.ts.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayClient } from './harness/gateway.ts';
import { binPath } from './harness/node-process.ts';
import { freePorts } from './harness/ports.ts';
import { waitFor, within } from './harness/wait.ts';

let directory: string;
let port: number;
let member: ChildProcess;
let gateway: GatewayClient;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'raftkv-serve-'));
  [port] = (await freePorts(1)) as [number];
  gateway = new GatewayClient(`127.0.0.1:${port}`);
  const args = ['serve', '--port', String(port), '--data-dir', directory, '--log-level', 'DEBUG'];
  member = spawn(process.execPath, [binPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
});
afterEach(async () => {
  gateway.close();
  if (member.exitCode === null && member.signalCode === null) {
    member.kill('SIGKILL');
    await once(member, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

/** With all that it had said. */
const exit = (): Promise<unknown[]> => within(60_000, 'the member ends', once(member, 'close'));
const isWriting = (): Promise<boolean> =>
  waitFor('a write', async () => (await gateway.put('key', 'value')) > 0, { intervalMilliseconds: 20 });

describe('a member', () => {
  it('lives on when nobody reads its output any more', async () => {
    // Both pipes are closed before it has written anything, as under `raftkv serve 2>&1 | true`.
    member.stdout!.destroy();
    member.stderr!.destroy();
    await isWriting();
    member.kill('SIGTERM');
    expect(await exit()).toEqual([0, null]);
  });

  it('prints its ready line on stdout alone, logs JSON lines on stderr, and ends with 0 on Ctrl-C', async () => {
    let [stdout, stderr] = ['', ''];
    member.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    member.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    await isWriting();
    member.kill('SIGINT');
    expect(await exit()).toEqual([0, null]);
    expect(stdout).toBe(`raftkv node1 ready at http://127.0.0.1:${port}\n`);
    const messages = stderr
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toContain('running');
    expect(messages.at(-1)).toBe('stopping');
  });
});
