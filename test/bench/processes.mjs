// Starts and stops what is measured: raftkv members, etcd members and a Redis, each in processes of its own on free loopback ports, with
// their data in a temporary directory and syncs on. Stops only what it started.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../packages/raftkv/bin/raftkv.js', import.meta.url));
/** Data directories stand on the disk of the checkout, not on a temporary file system in memory. */
const dataParent = process.env.RAFTKV_BENCH_DIR ?? tmpdir();

export function isInstalled(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function waitForPort(port, deadline = Date.now() + 20_000) {
  return new Promise((done, fail) => {
    const attempt = () => {
      const socket = createConnection(port, '127.0.0.1', () => {
        socket.destroy();
        done();
      });
      socket.on('error', () => {
        if (Date.now() > deadline) fail(new Error(`nothing answers on port ${port}`));
        else setTimeout(attempt, 50);
      });
    };
    attempt();
  });
}

/** CPU seconds (user and system) that a process has used so far. */
export function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

function running(directory, children) {
  return {
    pids: children.map((child) => child.pid),
    async stop() {
      const exits = children.map(
        (child) =>
          new Promise((done) =>
            child.exitCode === null && child.signalCode === null ? child.once('exit', done) : done(),
          ),
      );
      for (const child of children) child.kill('SIGTERM');
      const timer = setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), 5_000);
      await Promise.all(exits);
      clearTimeout(timer);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function startRaftkv(count) {
  const directory = mkdtempSync(join(dataParent, 'raftkv-bench-'));
  const ports = await freePorts(count);
  const peers = ports.map((port, i) => `node${i + 1}:127.0.0.1:${port}`).join(',');
  const profile =
    process.env.RAFTKV_BENCH_PROFILE === '1'
      ? ['--cpu-prof', `--cpu-prof-dir=${join(dataParent, 'raftkv-profile')}`]
      : [];
  const children = ports.map((port, i) =>
    spawn(
      process.execPath,
      [
        ...profile,
        binary,
        'serve',
        '--id',
        `node${i + 1}`,
        '--port',
        String(port),
        '--peers',
        peers,
        '--data-dir',
        join(directory, `node${i + 1}`),
        '--log-level',
        'WARN',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    ),
  );
  await Promise.all(ports.map((port) => waitForPort(port)));
  return { ...running(directory, children), endpoints: ports.map((port) => `127.0.0.1:${port}`) };
}

export async function startEtcd(count) {
  const directory = mkdtempSync(join(dataParent, 'etcd-bench-'));
  const ports = await freePorts(count * 2);
  const peer = (i) => `http://127.0.0.1:${ports[count + i]}`;
  const cluster = Array.from({ length: count }, (_, i) => `node${i + 1}=${peer(i)}`).join(',');
  const children = Array.from({ length: count }, (_, i) => {
    const client = `http://127.0.0.1:${ports[i]}`;
    return spawn(
      'etcd',
      [
        '--name',
        `node${i + 1}`,
        '--data-dir',
        join(directory, `node${i + 1}`),
        '--listen-client-urls',
        client,
        '--advertise-client-urls',
        client,
        '--listen-peer-urls',
        peer(i),
        '--initial-advertise-peer-urls',
        peer(i),
        '--initial-cluster',
        cluster,
        '--logger',
        'zap',
        '--log-level',
        'error',
      ],
      { stdio: 'ignore' },
    );
  });
  await Promise.all(ports.slice(0, count).map((port) => waitForPort(port)));
  return { ...running(directory, children), endpoints: ports.slice(0, count).map((port) => `127.0.0.1:${port}`) };
}

export async function startRedis() {
  const directory = mkdtempSync(join(dataParent, 'redis-bench-'));
  const [port] = await freePorts(1);
  const child = spawn(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      directory,
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
    ],
    { stdio: 'ignore' },
  );
  await waitForPort(port);
  return { ...running(directory, [child]), port };
}
