// `raftkv dev`: a local cluster, each member a process of its own with its data on disk, for trying things out, with a page to look at it and to
// break it. Ctrl-C stops all. One member is in `dev-member.ts`, what the page may ask in `dev-control.ts`, the sample data in `dev-dataset.ts`.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { openControl } from './dev-control.ts';
import { Dataset } from './dev-dataset.ts';
import { DevMember } from './dev-member.ts';
import { findPage, pageEnvironment } from './dev-page.ts';

interface DevOptions {
  readonly nodes: string;
  readonly port: string;
  readonly dataDir: string;
  readonly cities: boolean;
  readonly allowedOrigins: string;
}

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('run a local cluster with its page, a process for each member, with data under ./data')
    .option('--nodes <COUNT>', 'how many members', '3')
    .option('--port <PORT>', 'port of the first; the others follow', '8080')
    .option('--data-dir <DIR>', 'parent of the members’ directories', 'data')
    .option('--no-cities', 'do not put the sample data of the page into the store')
    .option('--allowed-origins <LIST>', 'origins of other pages that may use the cluster, such as a dev server’s', '')
    .action((options: DevOptions) => dev(options));
}

async function dev(options: DevOptions): Promise<void> {
  const count = readNumber('--nodes', options.nodes, 1, 9);
  const firstPort = readNumber('--port', options.port, 1, 65_535 - count);
  const directory = resolve(options.dataDir);
  makeDirectory(directory);
  const ports = Array.from({ length: count }, (_, position) => firstPort + position);
  for (const port of ports) await checkPort(port);

  const endpoints = ports.map((port) => `127.0.0.1:${port}`);
  const origins = [
    ...ports.flatMap((port) => [`http://127.0.0.1:${port}`, `http://localhost:${port}`]),
    ...options.allowedOrigins.split(',').filter((origin) => origin !== ''),
  ];
  const dataset = new Dataset({
    endpoints,
    onDone: (records) => print(`${records.toLocaleString('en')} cities are in the store.\n`),
  });
  const members: DevMember[] = [];
  const token = randomBytes(24).toString('base64url');
  const control = await openControl({ members, dataset, token, origins });
  const page = findPage();
  const environment = pageEnvironment(page, { control: control.origin, token, endpoints });
  print(`Starting ${count} members, data under ${directory} …\n`);
  const cluster = new DevCluster(members);
  const peers = endpoints.map((endpoint, position) => `node${position + 1}:${endpoint}`).join(',');
  const clusterToken = tokenOf(directory);
  for (const [position, port] of ports.entries()) {
    const name = `node${position + 1}`;
    const words = ['--id', name, '--host', '127.0.0.1', '--port', String(port), '--peers', peers];
    words.push('--data-dir', join(directory, name), '--allowed-origins', origins.join(','));
    // Rooms of tabs in several browsers find each other through it.
    words.push('--cluster-token', clusterToken, '--relay', 'true');
    const log = join(directory, `${name}.log`);
    members.push(new DevMember({ name, port, words, log, environment, onLine: say, onChange: cluster.changed }));
  }
  try {
    const running = await cluster.start();
    // Who is killed before all founders have met is waited for by the others, for ever: until then the cluster is not up.
    if (running === count) await cluster.whenFounded();
    if (running === count) print(greeting(members, page !== undefined));
    else if (running > 0) print(`\n${running} of ${count} members run. Ctrl-C stops them.\n`);
    if (running > 0 && options.cities) dataset.start();
    await cluster.whenOver();
  } finally {
    await dataset.close();
    await control.close();
  }
}

/** All members together: they come up together and go together. */
class DevCluster {
  readonly #members: readonly DevMember[];
  readonly #over: Promise<void>;
  #end: (error?: RaftkvError) => void = () => undefined;
  #isStopping = false;

  constructor(members: readonly DevMember[]) {
    this.#members = members;
    this.#over = new Promise((done, fail) => {
      this.#end = (error) => (error === undefined ? done() : fail(error));
    });
    this.#over.catch(() => undefined);
    // A terminal that is closed sends SIGHUP: the members lead groups of their own, so nobody else would stop them.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void this.#stop());
    process.once('exit', () => this.#members.forEach((member) => member.killNow()));
  }

  /** Resolves with how many came up, once each did or did not; 0 when it was stopped meanwhile. */
  async start(): Promise<number> {
    const ready = await Promise.all(this.#members.map((member) => member.start()));
    return this.#isStopping ? 0 : ready.filter(Boolean).length;
  }

  /** Resolves when each member says that it is ready for clients, or does not run any more. */
  async whenFounded(): Promise<void> {
    for (const member of this.#members) {
      while (member.state === 'running' && !this.#isStopping && !(await isReady(member.port))) await sleep(100);
    }
  }

  /** Rejects when all members ended by themselves. */
  whenOver(): Promise<void> {
    return this.#over;
  }

  readonly changed = (member: DevMember): void => {
    if (this.#isStopping) return;
    if (member.state === 'failed') print(`${member.name} ended ${member.note}\n`);
    if (member.state === 'killed') print(`${member.name} was killed from the page\n`);
    if (this.#members.every((each) => each.state === 'failed')) {
      this.#end(new RaftkvError('internal', 'all members ended'));
    }
  };

  async #stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    print('\nStopping …\n');
    await Promise.all(this.#members.map((member) => member.stop()));
    this.#end();
  }
}

async function isReady(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(5_000);
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

function print(text: string): void {
  process.stdout.write(text);
}

function say(line: string): void {
  print(`  ${line}\n`);
}

function greeting(members: readonly DevMember[], hasPage: boolean): string {
  const [first, second] = [members[0]!, members.at(-1)!];
  const endpoints = members.map((member) => `127.0.0.1:${member.port}`).join(',');
  const from = first.port === 8080 && members.length === 3 ? '' : ` --endpoints ${endpoints}`;
  return `
The cluster is up. Its page: http://127.0.0.1:${first.port}/${hasPage ? '  (open it in two tabs)' : ''}

Try, in another terminal:
  npx raftkv put greeting '"hello"'${from}
  npx raftkv get greeting --endpoints 127.0.0.1:${second.port}
  npx raftkv watch greet${from}
  npx raftkv status${from}
  curl -s http://127.0.0.1:${first.port}/v3/kv/range -d '{"key":"Z3JlZXRpbmc="}'

Kill one, and go on writing:
  kill -9 ${second.pid}      # ${second.name}

Ctrl-C stops all.
`;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'error';
    throw new RaftkvError('storage_failed', `${directory}: cannot be made (${code})`, { cause: error });
  }
}

/**
 * Drawn once for a folder: a cluster that was thrown away and made anew is another one, so that a tab which kept a copy of the old one is told so
 * and does not wait for revisions that never come. A folder from before there was one keeps the token that it was founded with.
 */
function tokenOf(directory: string): string {
  const file = join(directory, 'cluster-token');
  try {
    if (existsSync(file)) return readFileSync(file, 'utf8').trim();
    if (existsSync(join(directory, 'node1'))) return 'raftkv';
    const token = randomBytes(12).toString('base64url');
    writeFileSync(file, `${token}\n`);
    return token;
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'error';
    throw new RaftkvError('storage_failed', `${file}: cannot be used (${code})`, { cause: error });
  }
}

function checkPort(port: number): Promise<void> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE' ? `port ${port} is in use; choose another with --port` : error.message;
      fail(new RaftkvError('port_in_use', message, { cause: error }));
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => done()));
  });
}

export function readNumber(what: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RaftkvError(
    'invalid_argument',
    `${what}: ${JSON.stringify(text)} is not a whole number between ${least} and ${most}`,
  );
}
