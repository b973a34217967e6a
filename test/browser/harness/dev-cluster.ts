// A local cluster with its page, as `npm start` gives it, on ports and data of its own, and pages of it opened by a visitor.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'raftkv';
import type { Kv } from 'raftkv';
import { binPath } from '../../e2e/harness/node-process.ts';
import { freePorts } from '../../e2e/harness/ports.ts';
import { waitFor } from '../../e2e/harness/wait.ts';

export class DevCluster {
  readonly addresses: readonly string[];
  readonly kv: Kv;
  readonly #directory: string;
  #process: ChildProcess;
  #said = '';

  private constructor(ports: readonly number[]) {
    this.addresses = ports.map((port) => `127.0.0.1:${port}`);
    this.#directory = mkdtempSync(path.join(tmpdir(), 'raftkv-page-'));
    this.#process = this.#spawn();
    this.kv = connect({ endpoints: this.addresses });
  }

  #spawn(): ChildProcess {
    const { port } = new URL(this.url());
    const words = ['dev', '--no-cities', '--port', port, '--data-dir', this.#directory];
    const child = spawn(process.execPath, [binPath, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    return child;
  }

  static async start(): Promise<DevCluster> {
    const cluster = new DevCluster(await freePorts(3));
    await cluster.#isUp();
    return cluster;
  }

  /** Throws the cluster away and makes another one in its place. */
  static async startAnew(cluster: DevCluster): Promise<DevCluster> {
    await cluster.stop();
    const anew = new DevCluster(cluster.addresses.map((address) => Number(new URL(`http://${address}`).port)));
    await anew.#isUp();
    return anew;
  }

  async #isUp(): Promise<void> {
    await waitFor('the cluster is up', () => this.#said.includes('The cluster is up'), {
      timeoutMilliseconds: 120_000,
    });
  }

  url(room = ''): string {
    return `http://${this.addresses[0]!}/${room === '' ? '' : `#${room}`}`;
  }

  /** To each member at once, as no button does: nobody hears in between that another one is gone. */
  signalMembers(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const members = childrenOf(this.#process.pid!);
    if (members.length !== this.addresses.length) throw new Error(`${members.length} members run`);
    for (const pid of members) process.kill(pid, signal);
  }

  async stop(): Promise<void> {
    await this.kv.close();
    // One that stands still would not end, nor would this.
    for (const pid of childrenOf(this.#process.pid!)) process.kill(pid, 'SIGCONT');
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // pid (name) state parent …; a name may have anything in it.
        const [, after = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(after.split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}
