// The storage of a tab's copy: what it keeps beside the memory reference, how little it writes for it, what it makes of damage, and who may write.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['copy']);

it.each([1, 2, 3, Math.floor(Math.random() * 2 ** 31)])(
  'agrees with the memory reference after random calls, seed %i',
  async (seed) => {
    const tab = await stage.openTab('copy');
    const found = await tab.page.evaluate(async (start) => {
      const { open, record, numbersOf, MemoryCopyStore } = copyLab;
      let state = start;
      const random = (below: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const memory = new MemoryCopyStore();
      let number = 0;
      // Few are large: one is larger than a chunk.
      const next = (): Uint8Array => record((number += 1), random(4) === 0 ? random(90_000) : random(300));
      const wrong: string[] = [];
      let most = 0;
      for (let round = 0; round < 10; round += 1) {
        const both = await Promise.all([open(), memory.open({ owner: copyLab.owner })]);
        const [ours, theirs] = await Promise.all(both.map((copy) => numbersOf(copy)));
        most = Math.max(most, ours!.length);
        if (String(ours) !== String(theirs)) wrong.push(`round ${round}: ${ours} is not ${theirs}`);
        const calls: Promise<unknown>[] = [];
        for (let deeds = 2 + random(30); deeds > 0; deeds -= 1) {
          const what = random(12);
          if (what === 0) {
            const records = Array.from({ length: random(12) }, next);
            calls.push(...both.map((copy) => copy.replace(records)));
            // Else one that overtakes it is begun.
            if (random(3) > 0) await Promise.all(calls);
          } else if (what < 3) await Promise.all(calls.splice(0));
          else {
            const added = next();
            calls.push(...both.map((copy) => copy.append(added)));
          }
        }
        // One that is not finished when it is closed is not promised.
        await Promise.all(calls);
        await Promise.all(both.map((copy) => copy.close()));
      }
      return { wrong, most };
    }, seed);
    expect(found.wrong).toEqual([]);
    expect(found.most).toBeGreaterThan(10);
  },
);

it('packs what is asked for together into few records and one transaction, acknowledged when it is complete', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const transactions: string[] = [];
    let complete = 0;
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...words) {
      transactions.push(`${String(words[1])} ${words[2]?.durability}`);
      const made = transaction.apply(this, words);
      made.addEventListener('complete', () => {
        complete += 1;
      });
      return made;
    };
    const { open, record } = copyLab;
    const copy = await open({ durability: 'strict' });
    await Promise.all(Array.from({ length: 100 }, (_, i) => copy.append(record(i))));
    const together = [...transactions];
    const open1: number[] = [];
    for (let i = 100; i < 400; i += 1) {
      await copy.append(record(i));
      open1.push(transactions.length - complete);
    }
    await copy.close();
    IDBDatabase.prototype.transaction = transaction;
    return { together, unfinished: Math.max(...open1), ...(await copyLab.reopened()) };
  });
  expect(found.together).toEqual(['readwrite strict', 'readwrite strict']);
  expect(found.unfinished).toBe(0);
  expect(found.numbers).toEqual(Array.from({ length: 400 }, (_, i) => i));
  expect(found.keys).toEqual(['head', '0,0']);
});

it('stays small over a long life: what was replaced is deleted, and what a dead tab left is too', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const { open, record, openRaw, recordsOf, reopened } = copyLab;
    const copy = await open();
    const keysOf = async (): Promise<string[]> => {
      const database = await openRaw();
      const keys = (await recordsOf(database)).map(({ key }) => String(key));
      database.close();
      return keys;
    };
    for (let round = 1; round <= 5; round += 1) {
      for (let i = 0; i < 5; i += 1) await copy.append(record(round * 100 + i, 20_000));
      await copy.replace(Array.from({ length: 7 }, (_, i) => record(round * 100 + 50 + i, 20_000)));
    }
    await copy.append(record(1));
    // The deletion is nobody's to wait for; it went before this.
    const alive = await keysOf();
    // Never finished, as if the tab had gone.
    let pages = 0;
    const dead = copyLab.codeOf(() =>
      copy.replace(
        (function* () {
          for (let i = 0; i < 20; i += 1) {
            pages += 1;
            if (i === 15) void copy.close();
            yield record(9000 + i, 50_000);
          }
        })(),
      ),
    );
    const code = await dead;
    await copy.close();
    const left = await keysOf();
    return { alive, code, pages, left: left.length, ...(await reopened()) };
  });
  expect(found.alive).toEqual(['head', '0,25', '5,0', '5,1', '5,2']);
  expect(found.code).toBe('closed');
  expect(found.left).toBeGreaterThan(10);
  expect(found.numbers).toEqual([550, 551, 552, 553, 554, 555, 556, 1]);
  expect(found.keys).toEqual(found.alive);
});

it('a replacement that a later one has overtaken changes nothing', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const { open, record, reopened } = copyLab;
    const copy = await open();
    await copy.append(record(1));
    const ended: string[] = [];
    const long = Array.from({ length: 8 }, (_, i) => record(10 + i, 50_000));
    const calls = [
      copy.replace(long).then(() => ended.push('long')),
      copy.append(record(2)),
      copy.replace([record(20)]).then(() => ended.push('short')),
      copy.append(record(3)),
    ];
    await Promise.all(calls);
    await copy.close();
    return { ended, ...(await reopened()) };
  });
  expect(found).toEqual({ ended: ['short', 'long'], numbers: [20, 3], keys: ['head', '0,2', '2,0'] });
});

/** A tab with a head, three pages of a whole and three chunks after it. Closed. */
async function makeCopy(): Promise<Tab> {
  const tab = await stage.openTab('copy');
  await tab.page.evaluate(async () => {
    const { open, record } = copyLab;
    const copy = await open();
    await copy.replace([1, 2, 3].map((number) => record(number, 50_000)));
    for (const number of [4, 5, 6]) await copy.append(record(number, 10_000));
    await copy.close();
  });
  return tab;
}

it('a flipped bit anywhere in any record is storage_corrupt, with the record', async () => {
  const tab = await makeCopy();
  const found = await tab.page.evaluate(async () => {
    const { openRaw, recordsOf, putRaw, tryAll } = copyLab;
    const database = await openRaw();
    const silent: string[] = [];
    const messages: string[] = [];
    for (const { key, value } of await recordsOf(database)) {
      const [sum, whole] = value;
      await putRaw(database, key, [sum ^ 1, whole]);
      const ofSum = await tryAll();
      if (ofSum?.code !== 'storage_corrupt') silent.push(`${String(key)} checksum: ${ofSum?.code}`);
      for (let at = 0; at < whole.length; at += at < 40 ? 1 : 4999) {
        const bytes = whole.slice();
        bytes[at]! ^= 1 << (at % 8);
        await putRaw(database, key, [sum, bytes]);
        const failure = await tryAll();
        if (failure?.code !== 'storage_corrupt') {
          silent.push(`${String(key)} byte ${at}: ${failure?.code}`);
        } else if (at === 30) messages.push(failure.message);
      }
      await putRaw(database, key, value);
    }
    database.close();
    return { silent, messages, afterwards: await tryAll() };
  });
  expect(found.silent).toEqual([]);
  expect(found.afterwards).toBe(undefined);
  expect(found.messages).toHaveLength(7);
  for (const message of found.messages) {
    expect(message).toMatch(/^IndexedDB "raftkv-copy\/a"\/(head|\d+,\d+) is damaged at byte \d+: /);
  }
});

it('a record that is missing, cut, of another type or in the place of another is storage_corrupt', async () => {
  const tab = await makeCopy();
  const found = await tab.page.evaluate(async () => {
    const { openRaw, recordsOf, putRaw, tryAll } = copyLab;
    const database = await openRaw();
    const records = await recordsOf(database);
    const silent: string[] = [];
    for (const [i, { key, value }] of records.entries()) {
      for (const [what, bytes] of [
        ['cut', [value[0], value[1].slice(0, 20)]],
        ['cut off', [value[0]]],
        ['empty', []],
        ['of the layout before', value[1]],
        ['a text', 'text'],
        ['another record', records[(i + 1) % records.length]!.value],
        ['missing', undefined],
      ] as const) {
        await putRaw(database, key, bytes);
        const failure = await tryAll();
        if (failure?.code !== 'storage_corrupt') silent.push(`${String(key)} ${what}: ${failure?.code}`);
      }
      await putRaw(database, key, value);
    }
    database.close();
    return { silent, afterwards: await tryAll(), count: records.length };
  });
  expect(found).toEqual({ silent: [], afterwards: undefined, count: 7 });
});

it('a later version of a record, or of the whole layout, is refused as such', async () => {
  const tab = await makeCopy();
  const codes = await tab.page.evaluate(async () => {
    const { openRaw, recordsOf, putRaw, sealed, tryAll, codeOf, open } = copyLab;
    const database = await openRaw();
    const head = (await recordsOf(database)).find(({ key }) => key === 'head')!;
    const later = head.value[1].slice();
    later[0] = 2;
    await putRaw(database, 'head', sealed('head', later));
    const ofRecord = await tryAll();
    database.close();
    (await openRaw(3)).close();
    return [ofRecord?.code, await codeOf(open)];
  });
  expect(codes).toEqual(['unsupported_version', 'unsupported_version']);
});

it('an earlier version of the whole layout is thrown away, and with it what nobody may replace is missing', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const { open, openRaw, putRaw, codeOf, reopened, record } = copyLab;
    const older = await openRaw(1, (database) => void database.createObjectStore('records'));
    await putRaw(older, 'head', new Uint8Array(100));
    await putRaw(older, [0, 0], new Uint8Array(100));
    older.close();
    const without = { name: 'a', owner: undefined } as unknown as Parameters<typeof open>[0];
    const before = await codeOf(() => open(without));
    const copy = await open();
    await copy.append(record(1));
    await copy.close();
    return { before, ...(await reopened()) };
  });
  expect(found).toEqual({ before: 'storage_missing', numbers: [1], keys: ['head', '0,0'] });
});

it('a database that is put back to an older state under an open copy is noticed at the next write', async () => {
  const tab = await stage.openTab('copy');
  const codes = await tab.page.evaluate(async () => {
    const { open, record, openRaw, recordsOf, putRaw, codeOf } = copyLab;
    const copy = await open();
    await copy.append(record(1));
    const database = await openRaw();
    const older = await recordsOf(database);
    await copy.append(record(2));
    await copy.append(record(3));
    for (const { key, value } of older) await putRaw(database, key, value);
    database.close();
    return [await codeOf(() => copy.append(record(4))), await codeOf(() => copy.replace([record(5)]))];
  });
  expect(codes).toEqual(['storage_corrupt', 'storage_corrupt']);
});

it('whoever opens it last has it: a tab before, frozen or not, writes and reads nothing more', async () => {
  const [first, second] = [await stage.openTab('copy'), await stage.openTab('copy')];
  const append = (tab: Tab, number: number): Promise<string> =>
    tab.page.evaluate((n) => copyLab.codeOf(() => copyLab.held!.copy.append(copyLab.record(n))), number);
  await first.page.evaluate(() => copyLab.hold());
  expect(await append(first, 1)).toBe('resolved');
  await first.freeze();
  await second.page.evaluate(() => copyLab.hold());
  expect(await append(second, 2)).toBe('resolved');
  await first.resume();
  const read = first.page.evaluate(() => copyLab.codeOf(() => copyLab.numbersOf(copyLab.held!.copy)));
  expect(await read).toBe('storage_locked');
  expect(await append(first, 3)).toBe('storage_locked');
  expect(await first.page.evaluate(() => copyLab.held!.heard)).toEqual(['storage_locked']);
  expect(await append(second, 4)).toBe('resolved');
  await second.close();
  expect((await first.page.evaluate(() => copyLab.reopened())).numbers).toEqual([1, 2, 4]);
});

it('keeps the owner that it was made for, and is missing where there is none and none may be made', async () => {
  const tab = await stage.openTab('copy');
  const found = await tab.page.evaluate(async () => {
    const { open, owner, codeOf } = copyLab;
    const without = { name: 'a', owner: undefined } as unknown as Parameters<typeof open>[0];
    const missing = await codeOf(() => open(without));
    const left = (await indexedDB.databases()).length;
    await (await open()).close();
    const again = await open({ owner: { ...owner, clusterId: 'another' } });
    await again.close();
    const plain = await open(without);
    await plain.close();
    return { missing, left, owners: [again.owner, plain.owner] };
  });
  const owner = { clusterId: 'c0ffee00c0ffee00', replicaId: '00000000000000a1', scope: '[]' };
  expect(found).toEqual({ missing: 'storage_missing', left: 0, owners: [owner, owner] });
});
