// `raftkv dev`: a local cluster, each member a process of its own with its data on disk, for trying things out. Ctrl-C stops all.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';

const binary = fileURLToPath(new URL('../../../bin/raftkv.js', import.meta.url));

interface DevOptions {
  readonly nodes: string;
  readonly port: string;
  readonly dataDir: string;
}

interface Member {
  readonly name: string;
  readonly port: number;
  readonly log: string;
  readonly process: ChildProcess;
}

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('run a local cluster, a process each, with data under ./data')
    .option('--nodes <COUNT>', 'how many members', '3')
    .option('--port <PORT>', 'port of the first; the others follow', '8080')
    .option('--data-dir <DIR>', 'parent of the members’ directories', 'data')
    .action((options: DevOptions) => dev(options));
}

async function dev(options: DevOptions): Promise<void> {
  const count = readNumber('--nodes', options.nodes, 1, 9);
  const firstPort = readNumber('--port', options.port, 1, 65_535 - count);
  const directory = resolve(options.dataDir);
  makeDirectory(directory);
  const names = Array.from({ length: count }, (_, position) => `node${position + 1}`);
  const peers = names.map((name, position) => `${name}:127.0.0.1:${firstPort + position}`).join(',');
  for (const position of names.keys()) await checkPort(firstPort + position);

  process.stdout.write(`Starting ${count} members, data under ${directory} …\n`);
  const members = names.map((name, position) => startMember(name, firstPort + position, peers, directory));
  let isStopping = false;
  const exits = members.map(
    (member) =>
      new Promise<void>((done) => {
        member.process.once('exit', (code, signal) => {
          if (!isStopping) process.stdout.write(describeEnd(member, code, signal));
          done();
        });
      }),
  );
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    process.stdout.write('\nStopping …\n');
    for (const member of members) member.process.kill('SIGTERM');
  };
  // A terminal that is closed sends SIGHUP: the members lead groups of their own, so nobody else would stop them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);

  const whenAllReady = Promise.all(members.map((member) => whenReady(member)));
  const ready = await Promise.race([whenAllReady, Promise.all(exits).then(() => [])]);
  if (!isStopping && ready.length > 0) {
    const running = ready.filter(Boolean).length;
    process.stdout.write(
      running === count ? greeting(members) : `\n${running} of ${count} members run. Ctrl-C stops them.\n`,
    );
  }
  await Promise.all(exits);
  if (!isStopping) throw new RaftkvError('internal', 'all members ended');
}

function startMember(name: string, port: number, peers: string, directory: string): Member {
  const log = join(directory, `${name}.log`);
  // A group of its own: Ctrl-C reaches only this process, which then stops the members in order.
  const child = spawn(
    process.execPath,
    [
      binary,
      'serve',
      '--id',
      name,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--peers',
      peers,
      '--data-dir',
      join(directory, name),
    ],
    { stdio: ['ignore', 'pipe', openSync(log, 'a')], detached: true },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  return { name, port, log, process: child };
}

/** What its last word was, if it had one. */
function describeEnd(member: Member, code: number | null, signal: NodeJS.Signals | null): string {
  const how = `${member.name} ended (${signal ?? `exit code ${code}`})`;
  const last = readFileSync(member.log, 'utf8').trimEnd().split('\n').at(-1)!;
  return last.startsWith('raftkv: ') ? `${how}: ${last.slice(8)}\n` : `${how}; see ${member.log}\n`;
}

/** False when it ended before. */
function whenReady(member: Member): Promise<boolean> {
  return new Promise((done) => {
    const lines = createInterface({ input: member.process.stdout! });
    lines.on('line', (line) => {
      process.stdout.write(`  ${line}\n`);
      if (line.includes('ready')) done(true);
    });
    lines.on('close', () => done(false));
  });
}

function greeting(members: readonly Member[]): string {
  const [first, second] = [members[0]!, members.at(-1)!];
  const endpoints = members.map((member) => `127.0.0.1:${member.port}`).join(',');
  const from = first.port === 8080 && members.length === 3 ? '' : ` --endpoints ${endpoints}`;
  return `
The cluster is up. Its page: http://127.0.0.1:${first.port}/

Try, in another terminal:
  npx raftkv put greeting '"hello"'${from}
  npx raftkv get greeting --endpoints 127.0.0.1:${second.port}
  npx raftkv watch greet${from}
  npx raftkv status${from}
  curl -s http://127.0.0.1:${first.port}/v3/kv/range -d '{"key":"Z3JlZXRpbmc="}'

Kill one, and go on writing:
  kill -9 ${second.process.pid}      # ${second.name}

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
