// Flips every bit and cuts at every byte of small files, and looks at the verdict: damage to what was acknowledged is refused with
// file and offset, damage to a tail that nothing vouches for is cut, and no state is ever shown that was not there once.
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import { MemoryDisk, openDiskStorage } from '../src/index.ts';
import { bytesOf, entries, entry, hardState, member, meta, saveSnapshot } from '../src/conformance-tools.ts';
import { segmentHeaderBytes, segmentName } from '../src/segment.ts';
import { describeState, runScript, segmentBytes } from './crash-script.ts';
import type { Storage } from '../src/index.ts';

const open = (disk: MemoryDisk): Promise<Storage> =>
  openDiskStorage({ disk, create: true, identity: member, segmentBytes });

interface Verdict {
  readonly code: string;
  readonly message: string;
  readonly state: string;
  /** The disk after it was mended. */
  readonly after: MemoryDisk;
}

/** Opens a copy of the disk with one file changed. */
async function judge(disk: MemoryDisk, name: string, damage: (bytes: Uint8Array) => void): Promise<Verdict> {
  const copy = disk.crash('kept');
  const bytes = copy.peek(name)!.slice();
  damage(bytes);
  await (await copy.open(name)).writeDurable(0, bytes);
  try {
    const storage = await open(copy);
    const state = await describeState(storage);
    return { code: 'opened', message: '', state, after: copy.crash('lost') };
  } catch (error) {
    const { code, message } = RaftkvError.from(error);
    return { code, message, state: '', after: copy };
  }
}

const flip =
  (bit: number) =>
  (bytes: Uint8Array): void => {
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
  };

/** A store of five batches, each synced by itself; `ends[i]` is where batch i ends, `states[i]` what there is then. */
async function makeLog(): Promise<{ disk: MemoryDisk; storage: Storage; ends: number[]; states: string[] }> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const ends = [storage.statistics().logBytes];
  const states = [await describeState(await open(disk.crash('lost')))];
  for (let index = 1; index <= 5; index += 1) {
    await storage.append({ hardState: hardState(1, 'a1', index - 1), entries: [entry(index)] });
    ends.push(storage.statistics().logBytes);
    states.push(await describeState(await open(disk.crash('lost'))));
  }
  return { disk, storage, ends, states };
}

const log = segmentName(1);

describe('a flipped bit in the log', () => {
  it('is refused with file and offset where it hits what was acknowledged, and cut where nothing vouches for it', async () => {
    const { disk, ends, states } = await makeLog();
    for (let bit = segmentHeaderBytes * 8; bit < ends[5]! * 8; bit += 1) {
      const { code, message, state } = await judge(disk, log, flip(bit));
      const batch = ends.findIndex((end) => bit < end * 8);
      if (batch < 5) {
        expect(code, `bit ${bit}`).toBe('storage_corrupt');
        // The place named is the beginning of the damaged batch.
        expect(message).toContain(`/memory/${log} is damaged at byte ${ends[batch - 1]}`);
      } else {
        expect([code, state === states[4]], `bit ${bit}`).toEqual(['opened', true]);
      }
    }
  });

  it('is refused in the last batch too once a clean close vouches for it', async () => {
    const { disk, storage, ends, states } = await makeLog();
    await storage.close();
    for (let bit = ends[4]! * 8; bit < ends[5]! * 8; bit += 1) {
      expect((await judge(disk, log, flip(bit))).code, `bit ${bit}`).toBe('storage_corrupt');
    }
    for (let bit = ends[5]! * 8; bit < (ends[5]! + 40) * 8; bit += 1) {
      const { code, state } = await judge(disk, log, flip(bit));
      expect([code, state === states[5]], `bit ${bit}`).toEqual(['opened', true]);
    }
  });

  it('is refused in the header of a segment, the version apart', async () => {
    const { disk } = await makeLog();
    for (let bit = 0; bit < segmentHeaderBytes * 8; bit += bit < 1024 ? 1 : 131) {
      const { code } = await judge(disk, log, flip(bit));
      expect(code, `bit ${bit}`).toBe(bit < 8 ? 'unsupported_version' : 'storage_corrupt');
    }
  });

  it('is mended without loss in the space behind the log', async () => {
    const { disk, ends, states } = await makeLog();
    for (let bit = ends[5]! * 8; bit < segmentBytes * 8; bit += 331) {
      const { code, state } = await judge(disk, log, flip(bit));
      expect([code, state === states[5]], `bit ${bit}`).toEqual(['opened', true]);
    }
  });

  it('is refused or cut, never shown, anywhere in a log of many segments and marks', async () => {
    const disk = new MemoryDisk();
    await runScript(disk);
    const whole = await describeState(await open(disk.crash('kept')));
    const names = (await disk.list()).filter((name) => name.startsWith('log-'));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      for (let bit = 0; bit < disk.peek(name)!.length * 8; bit += 1009) {
        const { code, state } = await judge(disk, name, flip(bit));
        // The run ended with a clean close, so everything is vouched for: whatever opens has lost nothing.
        if (code === 'opened') expect(state, `${name} bit ${bit}`).toBe(whole);
        else expect(['storage_corrupt', 'unsupported_version'], `${name} bit ${bit}`).toContain(code);
      }
    }
  });
});

describe('a cut', () => {
  it('of the file itself is refused at every length: a segment has its full length from the start', async () => {
    const { disk, ends } = await makeLog();
    for (let length = 0; length < ends[5]! + 64; length += length < segmentHeaderBytes ? 97 : 1) {
      const copy = disk.crash('kept');
      const file = await copy.create(log);
      await file.write(0, disk.peek(log)!.slice(0, length));
      const error = await open(copy).catch((caught: unknown) => RaftkvError.from(caught));
      expect(error instanceof RaftkvError && error.code, `length ${length}`).toBe('storage_corrupt');
    }
  });

  it('to zeros at any byte leaves whole batches only', async () => {
    const { disk, ends, states } = await makeLog();
    for (let from = segmentHeaderBytes; from <= ends[5]!; from += 1) {
      const { state, message } = await judge(disk, log, (bytes) => bytes.fill(0, from));
      const whole = ends.findLastIndex((end) => end <= from);
      // A batch may end in zeros that the cut does not change.
      expect([states[whole], states[whole + 1]], `from byte ${from}`).toContain(state + message);
    }
  });

  it('to garbage at any byte leaves whole batches only, and the garbage is gone for good', async () => {
    const { disk, ends, states } = await makeLog();
    for (let from = segmentHeaderBytes; from <= ends[5]!; from += 1) {
      const { state, after } = await judge(disk, log, (bytes) => bytes.fill(0xa5, from));
      const whole = ends.findLastIndex((end) => end <= from);
      expect(state, `from byte ${from}`).toBe(states[whole]);
      expect((await (await open(after)).load()).repairs).toEqual([]);
    }
  });
});

describe('a hole in front of whole batches', () => {
  it('is a torn tail when they were written together: unsynced bytes land in any order', async () => {
    const { disk, storage, ends, states } = await makeLog();
    const group = [6, 7, 8].map((index) => storage.append({ hardState: undefined, entries: [entry(index)] }));
    await Promise.all(group);
    const first = ends[5]!;
    const { code, state } = await judge(disk, log, (bytes) => bytes.fill(0, first, first + 8));
    expect([code, state === states[5]]).toEqual(['opened', true]);
  });

  it('is not filled by a frame that belongs elsewhere: a misdirected write is cut', async () => {
    const { disk, ends, states } = await makeLog();
    for (const batch of [0, 2, 4]) {
      const frame = disk.peek(log)!.slice(ends[batch], ends[batch + 1]);
      const { code, state } = await judge(disk, log, (bytes) => bytes.set(frame, ends[5]));
      expect([code, state === states[5]]).toEqual(['opened', true]);
    }
  });

  it('never lets what was cut come back behind a new batch of the same length', async () => {
    const { disk, storage, ends } = await makeLog();
    await Promise.all([6, 7, 8].map((index) => storage.append({ hardState: undefined, entries: [entry(index)] })));
    const { after } = await judge(disk, log, (bytes) => bytes.fill(0, ends[5], ends[5]! + 8));
    const again = await open(after);
    await again.append({ hardState: undefined, entries: [entry(6, 1, 'another')] });
    const { entries: held } = await (await open(after.crash('kept'))).load();
    expect(held.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is damage when a later header proves that the batch was durable, even if that header is all that is left', async () => {
    const { disk, storage, ends } = await makeLog();
    await Promise.all([6, 7, 8].map((index) => storage.append({ hardState: undefined, entries: [entry(index)] })));
    const { code, message } = await judge(disk, log, (bytes) => {
      bytes.fill(0, ends[4]!, ends[5]);
      bytes.fill(0, ends[5]! + 32);
    });
    expect(code).toBe('storage_corrupt');
    expect(message).toContain(
      `at byte ${ends[4]}: frame 5 is unreadable, but was durable according to ${log} at byte ${ends[5]}`,
    );
  });

  it('is not proved by a copy of the log that a client stored as a value', async () => {
    const { disk, storage, ends, states } = await makeLog();
    const frames = disk.peek(log)!.slice(ends[0], ends[5]);
    const group = [0, 1, 2, 3, 4, 5, 6, 7].map((shift) => {
      const data = new Uint8Array(frames.length + shift);
      data.set(frames, shift);
      return storage.append({ hardState: undefined, entries: [{ index: 6 + shift, term: 1, kind: 'command', data }] });
    });
    await Promise.all(group);
    const { code, state } = await judge(disk, log, (bytes) => bytes.fill(0, ends[5], ends[5]! + 4));
    expect([code, state === states[5]]).toEqual(['opened', true]);
  });
});

describe('missing files', () => {
  it('of a log in the middle, at the beginning and at the end are noticed', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index <= 30; index += 1) {
      const data = new Uint8Array(3000);
      await storage.append({ hardState: undefined, entries: [{ index, term: 1, kind: 'command', data }] });
    }
    const names = (await disk.list()).filter((name) => name.startsWith('log-')).sort();
    const active = segmentName(storage.statistics().segments);
    expect(names.indexOf(active)).toBeGreaterThan(4);
    for (const name of names.slice(0, names.indexOf(active) + 1)) {
      const copy = disk.crash('kept');
      await copy.unlink(name);
      const error = await open(copy).catch((caught: unknown) => RaftkvError.from(caught));
      expect(error instanceof RaftkvError && error.code, name).toBe('storage_corrupt');
      // Without the active one, the prepared one behind it is all that is left of the end.
      if (name !== active)
        expect(String(error)).toContain(`${name} is damaged at byte 0: this segment of the log is missing`);
    }
  });

  it('are refused, never taken for a new store: identity, log, snapshot', async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: entries(1, 9) });
    await saveSnapshot(storage, meta(8), bytesOf('state'));
    await storage.compact(8);
    await storage.close();
    const without = async (prefix: string): Promise<RaftkvError | Storage> => {
      const copy = disk.crash('kept');
      for (const name of await copy.list()) if (name.startsWith(prefix)) await copy.unlink(name);
      return open(copy).catch((error: unknown) => RaftkvError.from(error));
    };
    expect(await without('identity')).toMatchObject({ code: 'storage_corrupt' });
    expect(await without('log-')).toMatchObject({ code: 'storage_missing' });
    const lost = await without('snapshot-');
    expect(lost).toMatchObject({ code: 'storage_corrupt' });
    expect(String(lost)).toContain('/memory/snapshot-0000000000000001');
  });
});

describe('a flipped bit in another file', () => {
  async function makeStore(compactTo: number): Promise<MemoryDisk> {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.append({ hardState: undefined, entries: entries(1, 9) });
    await saveSnapshot(storage, meta(8), bytesOf('the state of myself.'));
    await storage.compact(compactTo);
    await storage.setNote('peers', bytesOf('note'));
    return disk;
  }
  const snapshot = 'snapshot-0000000000000001';

  it('of the latest snapshot is refused by name when the log does not cover it', async () => {
    const disk = await makeStore(5);
    for (let bit = 0; bit < disk.peek(snapshot)!.length * 8; bit += 1) {
      const { code, message } = await judge(disk, snapshot, flip(bit));
      expect(code, `bit ${bit}`).toBe(bit < 8 ? 'unsupported_version' : 'storage_corrupt');
      expect(message).toContain(snapshot);
    }
  });

  it('of the latest snapshot costs nothing while the whole log is there', async () => {
    const disk = await makeStore(0);
    const bits = disk.peek(snapshot)!.length * 8;
    for (let bit = 8; bit < bits; bit += 5) {
      const { code, state } = await judge(disk, snapshot, flip(bit));
      expect(code, `bit ${bit}`).toBe('opened');
      expect(JSON.parse(state)).toMatchObject({ compactedIndex: 0, entries: { length: 9 } });
      expect(JSON.parse(state).snapshot).toBe(undefined);
    }
  });

  it('is not even needed: another store’s snapshot of the same number is refused', async () => {
    const [mine, other] = [await makeStore(5), new MemoryDisk()];
    const storage = await open(other);
    await storage.append({ hardState: undefined, entries: entries(1, 9) });
    await saveSnapshot(storage, meta(8), bytesOf('the state of another'));
    const { code, message } = await judge(mine, snapshot, (bytes) => bytes.set(other.peek(snapshot)!));
    expect([code, message.includes('it is not the snapshot that the log names')]).toEqual(['storage_corrupt', true]);
  });

  it('of the identity is refused', async () => {
    const disk = await makeStore(0);
    for (let bit = 0; bit < disk.peek('identity')!.length * 8; bit += 1) {
      const { code } = await judge(disk, 'identity', flip(bit));
      expect(code, `bit ${bit}`).toBe(bit < 8 ? 'unsupported_version' : 'storage_corrupt');
    }
  });

  it('of a note is refused when it is read, and a note is never taken for another', async () => {
    const disk = await makeStore(0);
    for (let bit = 0; bit < disk.peek('note-peers')!.length * 8; bit += 1) {
      const copy = disk.crash('kept');
      flip(bit)(copy.peek('note-peers')!);
      const error = await (await open(copy)).getNote('peers').catch((caught: unknown) => RaftkvError.from(caught));
      expect(error, `bit ${bit}`).toMatchObject({ code: bit < 8 ? 'unsupported_version' : 'storage_corrupt' });
    }
    const swapped = disk.crash('kept');
    await swapped.rename('note-peers', 'note-other');
    await expect((await open(swapped)).getNote('other')).rejects.toMatchObject({ code: 'storage_corrupt' });
  });

  it('of a segment that belongs to another store is refused', async () => {
    const [mine, other] = [await makeStore(0), await makeStore(0)];
    const copy = mine.crash('kept');
    const file = await copy.create(log);
    await file.write(0, other.peek(log)!);
    await expect(open(copy)).rejects.toMatchObject({ code: 'storage_corrupt' });
  });
});
