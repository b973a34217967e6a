// A disk that fails under one of three nodes: the node stops with one clear line and an exit code, the others go on, nothing
// acknowledged is lost, and the node comes back once the disk is repaired. The faults are real ones, of system calls and of
// small file systems.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectAgreement, expectPresent } from './harness/agreement.ts';
import { isOneErrorLine } from './harness/cli.ts';
import { withCluster } from './harness/cluster.ts';
import type { Cluster } from './harness/cluster.ts';
import { SmallFileSystem, attachFault, straced } from './harness/faults.ts';
import type { NodeProcess } from './harness/node-process.ts';
import { sleep, waitFor, within } from './harness/wait.ts';

const FAULTY = 2;
const HEALTHY: readonly number[] = [0, 1];

/** Writes to the healthy nodes until told to stop; remembers what was acknowledged. */
class Writer {
  readonly acknowledged = new Map<string, string>();
  private isStopping = false;
  private readonly running: Promise<void>[];
  private readonly startedAt = performance.now();
  lastAnswerMilliseconds = 0;

  constructor(cluster: Cluster, { valueBytes = 100, width = 4, nodes = HEALTHY } = {}) {
    this.running = Array.from({ length: width }, async (_, writer) => {
      for (let number = 0; !this.isStopping; number++) {
        const [key, value] = [`w${writer}/${number}`, `${number} `.padEnd(valueBytes, 'x')];
        await cluster.gateways[nodes[number % nodes.length]!]!.put(key, value).then(
          () => {
            this.acknowledged.set(key, value);
            this.lastAnswerMilliseconds = performance.now() - this.startedAt;
          },
          () => sleep(20),
        );
      }
    });
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.running);
  }
}

/** The line that says why a process stopped: the one on stderr that is not a JSON log line. */
function lastWords(server: NodeProcess): string {
  return server.stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))
    .join('\n');
}

function expectStoppedBy(server: NodeProcess, code: string): void {
  expect(server.exit).toEqual({ code: 1, signal: null });
  const words = lastWords(server);
  expect(isOneErrorLine(words), words).toBe(true);
  expect(words).toContain(`[${code}]`);
}

/** The cluster takes writes without the faulty node, the node comes back, and all three agree on all that was acknowledged. */
async function expectRecovery(cluster: Cluster, writer: Writer): Promise<void> {
  const before = writer.acknowledged.size;
  // It may have led, and elections take their time on a busy machine.
  await waitFor('a write', () => cluster.gateways[0]!.put('without the faulty node', 'yes'));
  await waitFor('writes without it', () => writer.acknowledged.size > before);
  await writer.stop();
  await cluster.start(FAULTY);
  const state = await expectAgreement(cluster);
  expectPresent(state, writer.acknowledged);
}

/** Runs one node under a tampered system call until it ends. */
async function runUntilFault(
  cluster: Cluster,
  fault: { calls: string; inject: string; file?: string },
  check: (server: NodeProcess) => void,
): Promise<void> {
  await waitFor('a write', () => cluster.gateways[0]!.put('before', 'the fault'));
  await cluster.stop(FAULTY);
  const server = cluster.spawn(FAULTY, straced(path.join(cluster.directory, 'trace'), fault));
  // It may meet the fault before it is ready, since what is voted and elected meanwhile is written too.
  await Promise.race([server.ready.catch(() => undefined), server.exited]);
  // Large enough to fill segments: making them is part of what may fail.
  const writer = new Writer(cluster, { valueBytes: 5_000 });
  try {
    await within(60_000, 'the node meets the fault', server.exited);
    check(server);
    await expectRecovery(cluster, writer);
  } finally {
    await writer.stop();
  }
}

const SYNCS = 'fdatasync,fsync';

describe('a node whose disk fails', () => {
  it('stops when a sync fails, and the cluster goes on', () =>
    withCluster({ nodes: 3 }, (cluster) =>
      runUntilFault(cluster, { calls: SYNCS, inject: 'error=EIO:when=20+' }, (server) =>
        expectStoppedBy(server, 'storage_failed'),
      ),
    ));

  it('stops when the name of a new segment cannot be made durable, though nobody waits for it yet', () =>
    withCluster({ nodes: 3 }, (cluster) => {
      // The first sync of the directory is that of the start, the second that of the note which counts it.
      const fault = { calls: 'fsync', inject: 'error=EIO:when=3+', file: cluster.dataDirectory(FAULTY) };
      return runUntilFault(cluster, fault, (server) => {
        expectStoppedBy(server, 'storage_failed');
        expect(lastWords(server)).toContain(`sync of ${cluster.dataDirectory(FAULTY)} failed`);
      });
    }));

  it('stops when a sync fails while it leads, and another one leads on', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const leader = await cluster.leader();
      const nodes = [0, 1, 2].filter((node) => node !== leader);
      const writer = new Writer(cluster, { nodes });
      await waitFor('some writes', () => writer.acknowledged.size > 100);
      const server = cluster.process(leader);
      const detach = attachFault(server.pid, path.join(cluster.directory, 'trace'), {
        calls: SYNCS,
        inject: 'error=EIO',
      });
      try {
        await within(60_000, 'the leader meets the fault', server.exited);
        expectStoppedBy(server, 'storage_failed');
        const before = writer.acknowledged.size;
        await waitFor('writes under another leader', () => writer.acknowledged.size > before + 100);
        await writer.stop();
        await cluster.start(leader);
        expectPresent(await expectAgreement(cluster), writer.acknowledged);
      } finally {
        detach();
        await writer.stop();
      }
    }));

  it('comes back with what it acknowledged when it is killed inside a sync', () =>
    withCluster({ nodes: 3 }, (cluster) =>
      runUntilFault(cluster, { calls: SYNCS, inject: 'signal=KILL:when=20' }, (server) =>
        expect(server.exit).toEqual({ code: null, signal: 'SIGKILL' }),
      ),
    ));

  it('refuses to start on a read-only directory, and starts once it can write', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const disk = SmallFileSystem.mount(cluster.directory, '256m');
      try {
        await cluster.stop(FAULTY);
        cluster.moveData(FAULTY, disk.directory);
        disk.remount('ro');
        const server = cluster.spawn(FAULTY);
        await within(60_000, 'the node refuses', server.exited);
        expectStoppedBy(server, 'storage_failed');
        disk.remount('rw');
        await cluster.start(FAULTY);
        await waitFor('a write', () => cluster.gateways[0]!.put('after', 'the repair'));
        await expectAgreement(cluster);
        await cluster.stop(FAULTY);
      } finally {
        if (cluster.isRunning(FAULTY)) await cluster.kill(FAULTY);
        disk.unmount();
      }
    }));

  it('stops when its disk is full, and comes back when there is room', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const disk = SmallFileSystem.mount(cluster.directory, '4m');
      await cluster.stop(FAULTY);
      cluster.moveData(FAULTY, disk.directory);
      const server = await cluster.start(FAULTY);
      const writer = new Writer(cluster, { valueBytes: 20_000 });
      try {
        await within(60_000, 'the disk is full', server.exited);
        expectStoppedBy(server, 'storage_full');
        disk.remount('size=512m');
        await expectRecovery(cluster, writer);
      } finally {
        await writer.stop();
        if (cluster.isRunning(FAULTY)) await cluster.kill(FAULTY);
        disk.unmount();
      }
    }));

  it('stops when the disk swallows a part of a write and reports it as written', () =>
    withCluster({ nodes: 3 }, (cluster) =>
      runUntilFault(cluster, { calls: 'pwrite64', inject: 'retval=2:when=20' }, (server) =>
        expectStoppedBy(server, 'storage_failed'),
      ),
    ));

  it('refuses a log with a damaged byte in its middle and says where, and the cluster goes on', () =>
    withCluster({ nodes: 3 }, async (cluster) => {
      const writer = new Writer(cluster);
      await waitFor('some writes', () => writer.acknowledged.size > 300);
      // Two were enough to acknowledge them: what is to be damaged must be on the disk of the third.
      const hasMany = async (): Promise<boolean> => (await cluster.gateways[FAULTY]!.status()).applied > 300;
      await waitFor('the third has them, too', hasMany);
      await cluster.stop(FAULTY);
      const log = path.join(cluster.dataDirectory(FAULTY), 'log-0000000000000001');
      flipByte(log, 4096 + 2000);
      const server = cluster.spawn(FAULTY);
      await within(60_000, 'the node refuses its log', server.exited);
      expectStoppedBy(server, 'storage_corrupt');
      expect(lastWords(server)).toContain(log);
      expect(lastWords(server)).toMatch(/ (4|5|6)\d\d\d\b/);
      await writer.stop();
      expectPresent(await expectAgreement(cluster), writer.acknowledged);
    }));
});

function flipByte(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset]! ^= 0xff;
  writeFileSync(file, bytes);
}
