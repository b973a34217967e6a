// Many real processes that want the same directory at the same moment, over owners that were killed.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '../../dist/node/lock.js');

describe('the lock of a directory', () => {
  it('is won by one of many starters at once, round after round, over dead owners', async () => {
    const script = `
      import { takeLock } from ${JSON.stringify(source)};
      process.stdin.once('data', () => {
        try { takeLock(process.argv[1]); console.log('won'); } catch (error) { console.log(error.code); }
        process.stdin.once('end', () => process.exit());
      });
      console.log('ready');`;
    const directory = mkdtempSync(join(tmpdir(), 'raftkv-lock-'));
    for (let round = 0; round < 3; round += 1) {
      const starters = Array.from({ length: 6 }, () => startLocker(script, directory));
      await Promise.all(starters.map((starter) => starter.next()));
      for (const starter of starters) starter.go();
      const results = await Promise.all(starters.map((starter) => starter.next()));
      // The owner is killed without releasing: the next round takes over from the dead.
      await Promise.all(starters.map((starter) => starter.kill()));
      expect(results.sort()).toEqual([...Array.from({ length: 5 }, () => 'storage_locked'), 'won']);
    }
    rmSync(directory, { recursive: true });
  });

  it('leaves nothing behind when there is no room to write it', () => {
    const script = `
      import { takeLock } from ${JSON.stringify(source)};
      try { takeLock(process.argv[1]); } catch (error) { console.log(error.message); }`;
    const directory = mkdtempSync(join(tmpdir(), 'raftkv-lock-'));
    // No file may have any length: each write fails, as on a full disk.
    const command = `trap '' XFSZ; ulimit -f 0; exec "$0" --input-type=module -e "$1" "$2"`;
    const { stdout } = spawnSync('sh', ['-c', command, process.execPath, script, directory], { encoding: 'utf8' });
    expect(stdout).toBe(`lock of ${directory} failed: EFBIG\n`);
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});

interface Locker {
  next(): Promise<string>;
  go(): void;
  kill(): Promise<unknown>;
}

function startLocker(script: string, target: string): Locker {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, target]);
  const lines: string[] = [];
  let wake: () => void = () => undefined;
  child.stdout.on('data', (data: Buffer) => {
    lines.push(...data.toString().split('\n').filter(Boolean));
    wake();
  });
  return {
    next: async () => {
      while (lines.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return lines.shift()!;
    },
    go: () => void child.stdin.write('go\n'),
    kill: () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return ended;
    },
  };
}
