// The lock of a directory: refused while its owner lives, taken over when it is dead, never held twice.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/node/lock.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-lock-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const lockFiles = (): string[] => readdirSync(directory).sort();
const write = (number: number, owner: unknown): void =>
  writeFileSync(
    join(directory, `lock-${String(number).padStart(8, '0')}`),
    typeof owner === 'string' ? owner : JSON.stringify(owner),
  );

/** The id of a process that has just ended. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('the lock of a directory', () => {
  it('is refused to a second opener of the same process, and free after release', () => {
    const release = takeLock(directory);
    expect(() => takeLock(directory)).toThrow(expect.objectContaining({ code: 'storage_locked' }));
    expect(() => takeLock(directory)).toThrow(/this process has .* open already/);
    release();
    takeLock(directory)();
  });

  it('is refused with the process id while another process lives', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      write(1, { pid: child.pid, startedAt: startTime(child.pid!), isReleased: false });
      expect(() => takeLock(directory)).toThrow(`process ${child.pid} has ${directory} open already`);
    } finally {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
    }
    takeLock(directory)();
  });

  it('of a dead process is taken over, and old files go', () => {
    write(7, { pid: deadPid(), startedAt: '', isReleased: false });
    const release = takeLock(directory);
    expect(lockFiles()).toEqual(['lock-00000008']);
    release();
    expect(lockFiles()).toEqual(['lock-00000008']);
  });

  it('of a process that was killed but that nobody has buried yet is taken over', async () => {
    // A parent that never asks for its children's ends, as the first process of a container may be.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      write(3, { pid, startedAt: startTime(pid), isReleased: false });
      expect(() => takeLock(directory)).toThrow(`process ${pid} has ${directory} open already`);
      process.kill(pid, 'SIGKILL');
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(10);
      takeLock(directory)();
    } finally {
      const ended = once(parent, 'exit');
      parent.kill();
      await ended;
    }
  });

  it('is refused while its process lives, when nothing tells whether it is a later one with the same id', () => {
    write(1, { pid: process.ppid, startedAt: '', isReleased: false });
    expect(() => takeLock(directory)).toThrow(`process ${process.ppid} has ${directory} open already`);
  });

  it('of an earlier process with the same id is taken over', () => {
    write(1, { pid: process.pid, startedAt: 'an earlier boot/1', isReleased: false });
    takeLock(directory)();
  });

  it('that a power cut left empty or half written is taken over', () => {
    for (const content of ['', '{"pid":', '[]', '{"pid":-1}', 'null']) {
      write(20, content);
      const release = takeLock(directory);
      expect(lockFiles()).toEqual(['lock-00000021']);
      release();
      rmSync(join(directory, 'lock-00000021'));
    }
  });

  it('is free after a release that had no room to say so', () => {
    const release = takeLock(directory);
    // What would be written beside cannot be.
    mkdirSync(join(directory, 'lock-00000001.tmp'));
    release();
    takeLock(directory)();
    expect(lockFiles()).toEqual(['lock-00000002']);
  });

  it('says what is wrong when the directory cannot be used', () => {
    const missing = join(directory, 'missing');
    expect(() => takeLock(missing)).toThrow(`lock of ${missing} failed: ENOENT`);
  });
});

function startTime(pid: number): string {
  const script = `import { readFileSync } from 'node:fs';
    const stat = readFileSync('/proc/${pid}/stat', 'utf8');
    process.stdout.write(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() + '/' + stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script]).stdout.toString();
}
