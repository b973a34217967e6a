// Damage to a disk at rest: bits that flip where checksums must notice. The frames of the log that were written last are spared: a damaged last frame cannot be told
// from one that was never finished, and what comes before it is proven by what comes after.
import type { Random } from '../world/random.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Where frames begin. */
const headerBytes = 4096;

/** Answers where. The member must be down. */
export async function flipBits(disk: SimulatedDisk, random: Random): Promise<string> {
  const names = (await disk.names()).filter((name) => /^(log|snapshot|identity|note)-?/.test(name)).toSorted();
  const logs = names.filter((name) => name.startsWith('log-'));
  // The next segment may be there before it is written to.
  const newest = logs.slice(-2);
  const name = random.pick(names);
  const bytes = disk.peek(name);
  if (bytes === undefined || bytes.length === 0) return 'nothing';
  const end = newest.includes(name) ? Math.min(headerBytes, bytes.length) : bytes.length;
  const at = random.below(end);
  for (let flips = 1 + random.below(3); flips > 0; flips--) bytes[at]! ^= 1 << random.below(8);
  return `${name} at ${at}`;
}
