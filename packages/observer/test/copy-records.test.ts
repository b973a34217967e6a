// The records of a stored copy: what was written is read back, and what another program or a mishap left is refused, never taken for a copy.
import type { Key, KeyValue } from '@raftkv/kv';
import { RaftkvError, encodeFeedChanges } from '@raftkv/wire';
import { expect, it } from 'vitest';
import { CopyReader, encodeBatch, encodeCopy, freeze } from '../src/copy-records.ts';
import { Copy } from '../src/copy.ts';
import { platformInflate } from '../src/inflate.ts';

const entry = (i: number, bytes = 1_000): KeyValue => ({
  key: `k${String(i).padStart(4, '0')}` as Key,
  value: new Uint8Array(bytes).fill(i),
  revision: i + 1,
  createRevision: i + 1,
  version: 1,
});

function makeCopy(count: number, isOfAllKeys = true): Copy {
  const copy = new Copy({ isOfAllKeys });
  copy.addEntries(Array.from({ length: count }, (_, i) => entry(i)));
  copy.moveTo({ revision: count, index: count + 3 });
  return copy;
}

function batch(revision: number): Uint8Array {
  const changes = [{ revision, events: [{ type: 'put' as const, entry: entry(revision - 1), previous: undefined }] }];
  return encodeBatch({ revision, index: revision + 3, isDeflated: false, payload: encodeFeedChanges(changes) });
}

async function read(records: readonly Uint8Array[], isOfAllKeys = true): Promise<Copy | undefined> {
  const reader = new CopyReader({ isOfAllKeys, inflate: platformInflate });
  for (const record of records) await reader.take(record);
  return reader.finish();
}

async function codeOf(records: readonly Uint8Array[]): Promise<string> {
  try {
    await read(records);
    return 'read';
  } catch (error) {
    expect(error).toBeInstanceOf(RaftkvError);
    return (error as RaftkvError).code;
  }
}

it.each([true, false])('are read back as the copy that they were made of, of all keys: %s', async (isOfAllKeys) => {
  for (const count of [0, 1, 200]) {
    const copy = makeCopy(count, isOfAllKeys);
    const records = [...encodeCopy(freeze(copy)), batch(count + 1)];
    expect(records.every(({ length }) => length < 60 * 1024)).toBe(true);
    const found = await read(records, isOfAllKeys);
    expect(found).toMatchObject({ revision: count + 1, index: count + 4, size: count + 1 });
    copy.addEntries([entry(count)]);
    expect(found?.hash).toBe(copy.hash);
  }
  expect(await read([])).toBeUndefined();
});

it('that are missing, twice there, out of order or of another copy are storage_corrupt', async () => {
  const [head, ...pages] = [...encodeCopy(freeze(makeCopy(200)))];
  const [otherHead] = [...encodeCopy(freeze(makeCopy(199)))];
  expect(pages.length).toBeGreaterThan(3);
  for (const records of [
    pages,
    [head!],
    [head!, ...pages.slice(1)],
    [head!, head!, ...pages],
    [head!, ...pages, batch(201), pages[0]!],
    [head!, ...pages, batch(201), head!],
    [otherHead!, ...pages],
    [head!, ...pages.slice(0, -1), batch(201)],
  ]) {
    expect(await codeOf(records)).toBe('storage_corrupt');
  }
  // As many entries, and not the same.
  const other = new Copy({ isOfAllKeys: true });
  other.addEntries(Array.from({ length: 200 }, (_, i) => entry(i, 999)));
  expect(await codeOf([head!, ...[...encodeCopy(freeze(other))].slice(1)])).toBe('storage_corrupt');
});

it('of another version are unsupported_version, and cut at any byte they are refused', async () => {
  const records = [...encodeCopy(freeze(makeCopy(2))), batch(3)];
  for (const [i, record] of records.entries()) {
    for (const version of [0, 1, 3]) {
      const other = record.slice();
      other[0] = version;
      expect(await codeOf(records.with(i, other))).toBe('unsupported_version');
    }
    const unknown = record.slice();
    unknown[2] = 9;
    expect(await codeOf(records.with(i, unknown))).toBe('bad_frame');
    for (let length = 0; length < record.length; length += 1 + Math.floor(length / 50)) {
      expect(await codeOf(records.with(i, record.slice(0, length)))).toBe('bad_frame');
    }
  }
});
