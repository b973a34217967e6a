// Every disk that a crash at one moment may leave behind, as far as the disk model goes: any first part of the changes of names, with any
// set of unsynced sectors, or with each file's unsynced bytes cut off at any byte. Called by crash-enumeration.process.test.ts.
import { createHash } from 'node:crypto';
import type { MemoryDisk } from '../src/index.ts';

/** Up to so many unsynced sectors every set of them is tried; beyond, see `someSets`. */
const maxSectors = 8;
/** Up to so many unsynced bytes of a file it is cut after each; beyond, at both ends and around the edges of sectors. */
const maxTornBytes = 1024;

export interface Outcome {
  readonly disk: MemoryDisk;
  readonly how: string;
  /** Beyond the bound: one of a few of the sets that there are. */
  readonly isSampled: boolean;
}

export function* outcomesOf(disk: MemoryDisk): Generator<Outcome> {
  const { names, files } = disk.unsynced();
  const counts = files.map(({ sectors }) => sectors);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const firstOf = counts.map((_, file) => counts.slice(0, file).reduce((sum, count) => sum + count, 0));
  for (let kept = 0; kept <= names; kept++) {
    for (const set of total <= maxSectors ? allSets(total) : someSets(total)) {
      const sectors = (file: number, sector: number): boolean => set[firstOf[file]! + sector]!;
      const how = `${kept} of ${names} names, sectors ${set.map(Number).join('')}`;
      yield { disk: disk.crashLeaving(kept, { sectors }), how, isSampled: total > maxSectors };
    }
    for (const [torn, { bytes }] of files.entries()) {
      for (let cut = 1; cut < bytes; cut++) {
        const isSampled = bytes > maxTornBytes;
        if (isSampled && cut > 40 && cut < bytes - 40 && (cut + 1) % 512 > 2) continue;
        for (const others of [0, Infinity]) {
          const how = `${kept} of ${names} names, file ${torn} cut after ${cut} of ${bytes} unsynced bytes, others ${others === 0 ? 'lost' : 'kept'}`;
          yield {
            disk: disk.crashLeaving(kept, { bytes: (file) => (file === torn ? cut : others) }),
            how,
            isSampled: false,
          };
          if (files.length === 1) break;
        }
      }
    }
  }
}

function* allSets(total: number): Generator<boolean[]> {
  for (let bits = 0; bits < 1 << total; bits++) yield Array.from({ length: total }, (_, n) => (bits & (1 << n)) !== 0);
}

/** The first, the last, all but one, one alone, two alone. */
function* someSets(total: number): Generator<boolean[]> {
  const of = (keep: (n: number) => boolean): boolean[] => Array.from({ length: total }, (_, n) => keep(n));
  for (let cut = 0; cut <= total; cut++) {
    yield of((n) => n < cut);
    yield of((n) => n >= cut);
    yield of((n) => n !== cut);
    for (let other = cut; other < total; other++) yield of((n) => n === cut || n === other);
  }
}

/** Equal for disks that hold the same. */
export async function fingerprint(disk: MemoryDisk): Promise<string> {
  const hash = createHash('sha1');
  for (const name of [...(await disk.list())].sort()) {
    const bytes = disk.peek(name)!;
    hash.update(`${name} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
