// The reference of a copy's storage: what is found again after any step at which it is stopped, and who may write. The browser's is compared with it.
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { MemoryCopyStore } from '../src/index.ts';
import type { CopyStorage } from '../src/index.ts';

const owner = { clusterId: 'c0ffee00c0ffee00', replicaId: '00000000000000a1', scope: '[]' };
const bytes = (...numbers: readonly number[]): Uint8Array[] => numbers.map((number) => Uint8Array.of(number));

async function found(copy: CopyStorage): Promise<number[]> {
  const numbers: number[] = [];
  for await (const [number] of copy.load()) numbers.push(number!);
  return numbers;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => RaftkvError.from(error).code,
  );
}

describe('a copy in memory', () => {
  it('is missing where there is none and no owner is named, and keeps the owner that it was made for', async () => {
    const store = new MemoryCopyStore();
    expect(await codeOf(store.open({}))).toBe('storage_missing');
    await store.open({ owner });
    expect((await store.open({ owner: { ...owner, clusterId: 'another' } })).owner).toEqual(owner);
    await store.wipe();
    expect(await codeOf(store.open({}))).toBe('storage_missing');
  });

  it('replaces what was appended before the call and nothing that was appended after it', async () => {
    const store = new MemoryCopyStore();
    const copy = await store.open({ owner });
    await Promise.all([copy.append(Uint8Array.of(1)), copy.replace(bytes(10, 11)), copy.append(Uint8Array.of(2))]);
    expect(store.records).toEqual(bytes(10, 11, 2));
    // The second one is shorter, and overtakes the first.
    await Promise.all([
      copy.replace(bytes(20, 21, 22, 23, 24)),
      copy.append(Uint8Array.of(3)),
      copy.replace(bytes(30)),
      copy.append(Uint8Array.of(4)),
    ]);
    expect(store.replacements).toBe(2);
    await copy.close();
    expect(await codeOf(copy.append(Uint8Array.of(5)))).toBe('closed');
    expect(await found(await store.open({}))).toEqual([30, 4]);
  });

  it('stopped before any step is all of the old or all of the new, with what was acknowledged', async () => {
    for (let steps = 0; steps < 12; steps += 1) {
      let left = steps;
      const store = new MemoryCopyStore(async () => {
        left -= 1;
        if (left < 0) throw new RaftkvError('storage_failed', 'the power is gone');
      });
      const copy = await store.open({ owner });
      let kept = 0;
      const append = (number: number): Promise<void> =>
        copy.append(Uint8Array.of(number)).then(() => void (kept = number));
      const calls = [append(1), append(2), copy.replace(bytes(1, 2)), append(3), append(4)];
      const isWhole = (await Promise.allSettled(calls)).every(({ status }) => status === 'fulfilled');
      expect(isWhole).toBe(steps >= 8);
      const after = await found(await store.open({}));
      expect(after).toEqual(after.map((_, i) => i + 1));
      expect(after.length).toBeGreaterThanOrEqual(kept);
      expect(store.replacements).toBe(isWhole ? 1 : 0);
    }
  });

  it('tells its opener once what stopped it, at once if it is forgotten', async () => {
    const heard: string[] = [];
    const onFailure = ({ code }: RaftkvError): void => void heard.push(code);
    const store = new MemoryCopyStore();
    const copy = await store.open({ owner, onFailure });
    await store.wipe();
    expect(heard).toEqual(['storage_missing']);
    expect(await codeOf(copy.append(Uint8Array.of(1)))).toBe('storage_missing');
    const closed = await store.open({ owner, onFailure });
    await closed.close();
    await store.wipe();
    expect(heard).toEqual(['storage_missing']);
  });

  it('belongs to whoever opened it last: an opener before writes nothing more', async () => {
    const store = new MemoryCopyStore();
    const heard: string[] = [];
    const first = await store.open({ owner, onFailure: ({ code }) => void heard.push(code) });
    await first.append(Uint8Array.of(1));
    const late = first.append(Uint8Array.of(2));
    const second = await store.open({});
    expect(await codeOf(late)).toBe('storage_locked');
    expect(await codeOf(first.replace(bytes(9)))).toBe('storage_locked');
    expect(heard).toEqual(['storage_locked']);
    await second.append(Uint8Array.of(3));
    expect(await found(second)).toEqual([1, 3]);
  });
});
