// Damage to the records of a database, done past the storage: whatever it is, the storage refuses with the place, and never starts from
// less than was there.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['storage']);

/** A tab with a storage of every kind of record: chunks of the log, a snapshot of three chunks, a note. Closed. */
async function makeStorage(): Promise<Tab> {
  const tab = await stage.openTab('storage');
  await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity });
    await storage.append({ hardState: { term: 1, votedFor: 'a1', commitIndex: 0 }, entries: [] });
    await append(storage, 1, 20);
    const configuration = { voters: ['a1'], votersOutgoing: [], learners: [] };
    const writer = await storage.createSnapshot({ lastIncludedIndex: 10, lastIncludedTerm: 1, configuration });
    await writer.write(new Uint8Array(150_000).fill(7));
    await writer.commit();
    await storage.setNote('peers', new Uint8Array(30));
    // Chunks of their own: each is too large to grow.
    for (let first = 21; first <= 41; first += 10) await append(storage, first, 10, 2000);
    await storage.close();
  });
  return tab;
}

it('a flipped bit anywhere in any record is storage_corrupt, with the record, or unsupported_version', async () => {
  const tab = await makeStorage();
  const findings = await tab.page.evaluate(async () => {
    const { openRaw, tryAll, putRaw } = storageLab;
    const database = await openRaw('a');
    const records = await storageLab.recordsOf(database);
    const silent: string[] = [];
    const messages = new Set<string>();
    for (const { key, value } of records) {
      // Every byte of the small ones and of each header; a sample of the rest.
      for (let at = 0; at < value.length; at += at < 48 ? 1 : 4999) {
        const bytes = value.slice();
        bytes[at]! ^= 1 << (at % 8);
        await putRaw(database, key, bytes);
        const failure = await tryAll('a');
        if (failure?.code !== 'storage_corrupt' && failure?.code !== 'unsupported_version') {
          silent.push(`${String(key)} byte ${at}: ${failure?.code}`);
        } else if (at === 40) messages.add(failure.message);
      }
      await putRaw(database, key, value);
    }
    database.close();
    return { silent, messages: [...messages], afterwards: await tryAll('a') };
  });
  expect(findings.silent).toEqual([]);
  expect(findings.afterwards).toBe(undefined);
  expect(findings.messages.length).toBeGreaterThan(5);
  for (const message of findings.messages) {
    expect(message).toMatch(/^IndexedDB "raftkv\/a"\/[a-z]+( [\w ]+)? is damaged at byte \d+: /);
  }
});

it('a record that is missing, cut, of another type or in the place of another is storage_corrupt', async () => {
  const tab = await makeStorage();
  const findings = await tab.page.evaluate(async () => {
    const { openRaw, tryAll, putRaw } = storageLab;
    const database = await openRaw('a');
    const records = await storageLab.recordsOf(database);
    const silent: string[] = [];
    const expectDamage = async (what: string, key: IDBValidKey): Promise<void> => {
      const failure = await tryAll('a');
      if (failure?.code !== 'storage_corrupt') silent.push(`${String(key)} ${what}: ${failure?.code}`);
    };
    for (const [i, { key, value }] of records.entries()) {
      const other = records[(i + 1) % records.length]!.value;
      for (const [what, bytes] of [
        ['cut', value.subarray(0, 40).slice()],
        ['empty', new Uint8Array(0)],
        ['a text', 'text'],
        ['another record', other],
      ] as const) {
        await putRaw(database, key, bytes);
        await expectDamage(what, key);
      }
      await putRaw(database, key, undefined);
      // A note that is gone was never there, for all that is known.
      if (key !== 'note peers') await expectDamage('missing', key);
      await putRaw(database, key, value);
    }
    await putRaw(database, 1000, records[0]!.value);
    await expectDamage('beyond the end', 1000);
    await putRaw(database, 1000, undefined);
    database.close();
    return { silent, afterwards: await tryAll('a'), count: records.length };
  });
  expect(findings).toEqual({ silent: [], afterwards: undefined, count: 11 });
});

it('a later version of a record, or of the whole layout, is refused as such', async () => {
  const tab = await makeStorage();
  const findings = await tab.page.evaluate(async () => {
    const { openRaw, tryAll, putRaw } = storageLab;
    const database = await openRaw('a');
    const mark = (await storageLab.recordsOf(database)).find(({ key }) => key === 'mark')!;
    const later = mark.value.slice();
    later[0] = 2;
    await putRaw(database, 'mark', later);
    const ofRecord = await tryAll('a');
    database.close();
    await new Promise((resolve) => {
      indexedDB.open('raftkv/a', 2).onsuccess = ({ target }) => {
        (target as IDBOpenDBRequest).result.close();
        resolve(undefined);
      };
    });
    return [ofRecord?.code, (await tryAll('a'))?.code];
  });
  expect(findings).toEqual(['unsupported_version', 'unsupported_version']);
});

it('a database that is put back to an older state under an open storage is noticed at the next write', async () => {
  const tab = await stage.openTab('storage');
  const findings = await tab.page.evaluate(async () => {
    const { openIndexedDbStorage, identity, append, openRaw, putRaw } = storageLab;
    const storage = await openIndexedDbStorage({ name: 'a', create: true, identity });
    await append(storage, 1, 1);
    const database = await openRaw('a');
    const older = await storageLab.recordsOf(database);
    await append(storage, 2, 1);
    await append(storage, 3, 1);
    for (const { key, value } of older) await putRaw(database, key, value);
    database.close();
    return [await storageLab.codeOf(() => append(storage, 4, 1)), await storageLab.codeOf(() => storage.load())];
  });
  expect(findings).toEqual(['storage_corrupt', 'storage_corrupt']);
});
