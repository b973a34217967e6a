// Makes a log that was read good to go on with: what was found becomes durable, what was cut is erased, what was released goes. The only
// part of recovery that writes; it runs when nothing was refused.
import { segmentName, writeZeros } from './segment.ts';
import { tornEnd } from './segment-scan.ts';
import type { Disk } from './disk.ts';
import type { RecoveredLog } from './recovery.ts';

/**
 * Makes sure of what was read: after a failed sync or a kill the system may show bytes that the disk does not hold, so
 * frames that nothing proves durable are written once more; what was cut is overwritten with zeros, so that it never becomes valid.
 */
export async function mendLog(disk: Disk, log: RecoveredLog): Promise<void> {
  for (const segment of log.segments) {
    const firstUnproven = segment.frames.find(({ sequence }) => sequence > log.provenSequence);
    const eraseEnd = segment.isSealed ? segment.endOffset : tornEnd(segment);
    const mustErase = eraseEnd > segment.endOffset;
    if (firstUnproven === undefined && !mustErase) continue;
    const file = await disk.open(segmentName(segment.number), 'write');
    try {
      if (mustErase) await writeZeros(file, segment.endOffset, eraseEnd);
      if (firstUnproven !== undefined) {
        await file.write(firstUnproven.offset, segment.bytes.subarray(firstUnproven.offset, segment.endOffset));
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
  for (const name of log.releasedNames) await disk.unlink(name);
  await disk.syncDirectory();
}
