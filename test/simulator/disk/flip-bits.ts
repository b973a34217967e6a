// Damage to a disk at rest: bits that flip where checksums must notice. Of the log's last segments only what later frames prove to have been durable is damaged: a
// damaged last frame cannot be told from one that was never finished.
import type { Random } from '../world/random.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Where frames begin. */
const headerBytes = 4096;

/** Answers where. The member must be down. */
export async function flipBits(disk: SimulatedDisk, random: Random): Promise<string> {
  const names = (await disk.names()).filter((name) => /^(log|snapshot|identity|note)-?/.test(name)).toSorted();
  const proven = disk.proven.filter((span) => names.includes(span.name));
  // T39: in the midst of the log, near its end for choice.
  if (proven.length > 0 && random.chance(0.6)) {
    const { name, offset, bytes } = random.pick(random.chance(0.5) ? proven.slice(-20) : proven);
    return flip(disk.peek(name)!, name, offset + random.below(bytes), random);
  }
  const logs = names.filter((name) => name.startsWith('log-'));
  // The next segment may be there before it is written to.
  const newest = logs.slice(-2);
  const name = random.pick(names);
  const bytes = disk.peek(name);
  if (bytes === undefined || bytes.length === 0) return 'nothing';
  const end = newest.includes(name) ? Math.min(headerBytes, bytes.length) : bytes.length;
  return flip(bytes, name, random.below(end), random);
}

function flip(bytes: Uint8Array, name: string, at: number, random: Random): string {
  for (let flips = 1 + random.below(3); flips > 0; flips--) bytes[at]! ^= 1 << random.below(8);
  return `${name} at ${at}`;
}
