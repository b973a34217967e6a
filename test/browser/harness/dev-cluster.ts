// A local cluster with its page, as `npm start` gives it, on ports and data of its own, and pages of it opened by a visitor.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
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
  readonly #process: ChildProcess;
  #said = '';

  private constructor(ports: readonly number[]) {
    this.addresses = ports.map((port) => `127.0.0.1:${port}`);
    this.#directory = mkdtempSync(path.join(tmpdir(), 'raftkv-page-'));
    const words = ['dev', '--no-cities', '--port', String(ports[0]), '--data-dir', this.#directory];
    this.#process = spawn(process.execPath, [binPath, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.kv = connect({ endpoints: this.addresses });
  }

  static async start(): Promise<DevCluster> {
    const cluster = new DevCluster(await freePorts(3));
    await waitFor('the cluster is up', () => cluster.#said.includes('The cluster is up'), {
      timeoutMilliseconds: 60_000,
    });
    return cluster;
  }

  url(room = ''): string {
    return `http://${this.addresses[0]!}/${room === '' ? '' : `#${room}`}`;
  }

  async stop(): Promise<void> {
    await this.kv.close();
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
