// When the chunks of a snapshot are deflated, and that they come back.
import { describe, expect, it } from 'vitest';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { entries, hardState, isSame, member, meta, readSnapshot, saveSnapshot } from '../src/conformance-tools.ts';

describe('a snapshot', () => {
  it('deflates a chunk only where a piece of it shrinks', async () => {
    const lengths: number[] = [];
    const compression = {
      deflate: async (bytes: Uint8Array) => {
        lengths.push(bytes.length);
        return new Set(bytes).size === 1 ? bytes.slice(0, bytes.length >>> 4) : bytes;
      },
      inflate: (bytes: Uint8Array, maxBytes: number) => new Uint8Array(maxBytes).fill(bytes[0]!),
    };
    const storage = await openDiskStorage({ disk: new MemoryDisk(), create: true, identity: member, compression });
    await storage.append({ hardState: hardState(1), entries: entries(1, 5) });
    const noise = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
    await saveSnapshot(storage, meta(2), noise);
    expect(lengths.every((length) => length === 4096)).toBe(true);
    await saveSnapshot(storage, meta(3), new Uint8Array(200_000));
    expect(lengths.some((length) => length > 4096)).toBe(true);
    expect(isSame(await readSnapshot(storage), new Uint8Array(200_000))).toBe(true);
    await storage.close();
  });
});
