// A small run of the file log, crashed at every disk operation, and restarted from every disk that such a crash may leave: each shows
// one state of the run, with everything acknowledged and nothing that was not begun. None is refused: nothing in them is corrupt.
import { describe, expect, it } from 'vitest';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { member } from '../src/conformance-tools.ts';
import { fingerprint, outcomesOf } from './crash-outcomes.ts';
import { crashAt, describeState, referenceStates, runScript, segmentBytes, smallScript } from './crash-script.ts';

const changing = new Set(['create', 'write', 'sync', 'rename', 'unlink', 'syncDirectory']);

async function reopen(disk: MemoryDisk): Promise<string> {
  const storage = await openDiskStorage({ disk, create: true, identity: member, segmentBytes });
  return describeState(storage);
}

describe('every crash of a small run', () => {
  it('leaves one allowed state, whatever is lost, torn and reordered', { timeout: 900_000 }, async () => {
    const states = await referenceStates(smallScript);
    const whole = new MemoryDisk();
    const types = new Map<string, number>();
    const performed: string[] = [];
    whole.intercept = ({ type }) => {
      performed.push(type);
      types.set(type, (types.get(type) ?? 0) + 1);
    };
    await runScript(whole, true, smallScript);
    const points = whole.operations;
    const segments = (await whole.list()).filter((name) => name.startsWith('log-') || name.startsWith('spare-'));
    // It rolls over, and uses released segments again.
    expect(segments.length).toBeGreaterThan(2);

    const found = new Map<string, string>();
    const counts = { outcomes: 0, sampled: 0, mostAtOnce: 0 };
    for (let point = 1; point <= points + 1; point++) {
      // Only these leave another disk than the operation before.
      if (point > 1 && !changing.has(performed[point - 2]!)) continue;
      const disk = new MemoryDisk();
      crashAt(disk, point);
      const { begun, acknowledged } = await runScript(disk, true, smallScript);
      const before = counts.outcomes;
      for (const { disk: after, how, isSampled } of outcomesOf(disk)) {
        counts.outcomes++;
        if (isSampled) counts.sampled++;
        const key = await fingerprint(after);
        let text = found.get(key);
        if (text === undefined) found.set(key, (text = await reopen(after)));
        // A step that changes nothing leaves the state as it was: look for one that is new enough.
        const state = states.indexOf(text, acknowledged);
        if (state < acknowledged || state > begun)
          expect.fail(`crash at operation ${point}, ${how}: state ${state}, allowed ${acknowledged} to ${begun}`);
      }
      counts.mostAtOnce = Math.max(counts.mostAtOnce, counts.outcomes - before);
    }
    console.log(
      `${points} operations (${[...types].map(([type, count]) => `${count} ${type}`).join(', ')}), ${counts.outcomes} outcomes of crashes, ` +
        `at most ${counts.mostAtOnce} of one, ${found.size} different disks reopened, ${counts.sampled} beyond the bound of sectors`,
    );
    expect(found.size).toBeGreaterThan(5000);
    expect(new Set(found.values())).toEqual(new Set(states));
  });
});
