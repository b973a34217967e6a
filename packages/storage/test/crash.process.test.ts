// Kills a real process with SIGKILL in the middle of writing, again and again over the same directory: nothing that was
// acknowledged may be lost, and each restart must find every byte right.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keeps, runWriter } from './process/writer.ts';
import type { Position } from './process/writer.ts';

const rounds = 20;

describe('a process that is killed while it writes', () => {
  it(`loses nothing acknowledged, ${rounds} times in a row`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'raftkv-crash-'));
    let acknowledged: Position = { index: 0, term: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const run = await runWriter({ directory, seed: round, killAfter: 1 + ((round * 37) % 300) });
      expect(run.failure, `round ${round}`).toBe('');
      expect(keeps(run.loaded, acknowledged), `round ${round}: ${JSON.stringify([run.loaded, acknowledged])}`).toBe(
        true,
      );
      acknowledged = run.acknowledged;
    }
    const last = await runWriter({ directory, seed: 99, batches: 50 });
    expect(keeps(last.loaded, acknowledged)).toBe(true);
    expect(last.lines.at(-1)).toBe('closed');
    rmSync(directory, { recursive: true });
  });
});
