// Crashes a scripted run at every disk operation, with unsynced bytes and names lost, kept, torn and shuffled, and looks at what a
// restart finds: everything acknowledged, whole steps only, durable before it is shown, and good for further work.
import { describe, expect, it } from 'vitest';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { entries, member } from '../src/conformance-tools.ts';
import { crashAt, describeState, referenceStates, runScript, segmentBytes } from './crash-script.ts';
import type { CrashPolicy, Storage } from '../src/index.ts';

const states = await referenceStates();
const reopen = (disk: MemoryDisk): Promise<Storage> =>
  openDiskStorage({ disk, create: true, identity: member, segmentBytes });

async function countOperations(): Promise<number> {
  const disk = new MemoryDisk();
  await runScript(disk);
  return disk.operations;
}

const operations = await countOperations();
const seeds: Record<CrashPolicy, readonly number[]> = { lost: [0], kept: [0], torn: [1, 2], shuffled: [1, 2] };

describe('a crash at any disk operation', () => {
  it('has enough points to be worth the name', async () => {
    const disk = new MemoryDisk();
    const { begun, acknowledged } = await runScript(disk);
    expect([begun, acknowledged]).toEqual([states.length - 1, states.length - 1]);
    expect(await describeState(await reopen(disk.crash('lost')))).toBe(states.at(-1));
    expect(operations).toBeGreaterThan(120);
  });

  for (const policy of ['lost', 'kept', 'torn', 'shuffled'] as const) {
    it(`loses nothing acknowledged and shows no half step when unsynced changes are ${policy}`, async () => {
      for (let point = 1; point <= operations; point += 1) {
        const disk = new MemoryDisk();
        crashAt(disk, point);
        const { begun, acknowledged } = await runScript(disk);
        for (const seed of seeds[policy]) {
          const label = `crash at operation ${point}, ${policy}, seed ${seed}`;
          const after = disk.crash(policy, seed);
          const found = states.indexOf(await describeState(await reopen(after)), acknowledged);
          expect(found >= acknowledged && found <= begun, `${label}: ${acknowledged} ≤ ${found} ≤ ${begun}`).toBe(true);
          // What was shown is durable, and stays so without another write.
          const again = await describeState(await reopen(after.crash('lost')));
          expect(again, `${label}: shown, then lost`).toBe(states[found]);
        }
      }
    });
  }

  it('leaves a store that goes on', async () => {
    for (let point = 30; point <= operations; point += 3) {
      const disk = new MemoryDisk();
      crashAt(disk, point);
      await runScript(disk);
      const after = disk.crash('shuffled', point);
      const storage = await reopen(after);
      const { entries: held, compactedIndex } = await storage.load();
      const next = (held.at(-1)?.index ?? compactedIndex) + 1;
      await storage.append({ hardState: undefined, entries: entries(next, next + 2, 9) });
      const final = await (await reopen(after.crash('lost'))).load();
      expect(final.entries.at(-1)?.index, `crash at operation ${point}`).toBe(next + 2);
      expect(final.entries.length).toBe(held.length + 3);
    }
  });

  it('in the middle of recovery changes nothing', async () => {
    for (let point = 20; point <= operations; point += 13) {
      const disk = new MemoryDisk();
      crashAt(disk, point);
      const { begun, acknowledged } = await runScript(disk);
      const crashed = disk.crash('shuffled', point);
      for (let second = 1; ; second += 1) {
        const attempt = crashed.crash('kept');
        crashAt(attempt, second);
        const isDone = await reopen(attempt).then(
          () => true,
          () => false,
        );
        const after = attempt.crash(second % 2 === 0 ? 'shuffled' : 'torn', second);
        const found = states.indexOf(await describeState(await reopen(after)), acknowledged);
        const label = `crash at operation ${point}, then at ${second} of recovery`;
        expect(found >= acknowledged && found <= begun, `${label}: ${acknowledged} ≤ ${found} ≤ ${begun}`).toBe(true);
        if (isDone) break;
      }
    }
  });

  it('of a log that is not synced loses a suffix at most, never a middle', async () => {
    for (let point = 1; point <= operations; point += 2) {
      const disk = new MemoryDisk();
      crashAt(disk, point);
      const { begun } = await runScript(disk, false);
      for (const policy of ['lost', 'kept', 'torn', 'shuffled'] as const) {
        const found = states.indexOf(await describeState(await reopen(disk.crash(policy, point))));
        expect(found >= 0 && found <= begun, `crash at operation ${point}, ${policy}`).toBe(true);
      }
    }
  });
});
