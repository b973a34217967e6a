// What a room of one begins with when a member goes on alone: everything that the log of that member holds, known to be committed or not.
import { KvStateMachine } from '@raftkv/server';
import { createMemoryStore, openMemoryStorage } from '@raftkv/storage';
import type { Storage } from '@raftkv/storage';
import { encodeCommand } from '@raftkv/wire';
import { expect, it } from 'vitest';
import { readHeldState } from '../../src/room/room-going-on.ts';

const identity = { clusterId: 'c1', memberId: 'm1', memberName: 'tab-w1' };
const configuration = { voters: ['m1', 'm2', 'm3'], votersOutgoing: [], learners: [] };
const put = (index: number, term: number, key: string) => ({
  index,
  term,
  kind: 'command' as const,
  data: encodeCommand({ session: undefined, command: { type: 'put', key, value: new Uint8Array([index]) } }),
});
const empty = (index: number, term: number) => ({ index, term, kind: 'empty' as const, data: new Uint8Array() });

/** What is in it, opened again. */
async function held(fill: (storage: Storage) => Promise<void>) {
  const store = createMemoryStore();
  const storage = openMemoryStorage({ store, create: true, identity });
  await fill(storage);
  await storage.close();
  return readHeldState(openMemoryStorage({ store, create: false }));
}

const valueOf = (machine: KvStateMachine, key: string): number | undefined => {
  const found = machine.store.get(key);
  return found.type === 'get' ? found.entry?.value[0] : undefined;
};

it('is every entry of the log, though nobody has said of the last ones that they are committed', async () => {
  const { stateMachine, index, term, agreed } = await held((storage) =>
    storage.append({
      hardState: { term: 4, votedFor: undefined, commitIndex: 1 },
      entries: [empty(1, 1), put(2, 1, 'a'), put(3, 2, 'b'), empty(4, 3), put(5, 3, 'a')],
    }),
  );
  expect([valueOf(stateMachine, 'a'), valueOf(stateMachine, 'b')]).toEqual([5, 3]);
  expect([index, term]).toEqual([5, 4]);
  expect(agreed).toEqual({ index: 1, term: 1, revision: 1 });
});

it('is the snapshot and what follows it, and not once more what the log keeps of what it covers', async () => {
  const { stateMachine, index, agreed } = await held(async (storage) => {
    const entries = [put(1, 1, 'a'), put(2, 1, 'a'), put(3, 1, 'b')];
    await storage.append({ hardState: { term: 1, votedFor: 'm2', commitIndex: 2 }, entries });
    const covered = new KvStateMachine();
    for (const entry of entries.slice(0, 2)) covered.apply(entry);
    const writer = await storage.createSnapshot({ lastIncludedIndex: 2, lastIncludedTerm: 1, configuration });
    const snapshot = covered.snapshot();
    const chunks = snapshot.chunks();
    for (let next = chunks.next(); next.done !== true; next = chunks.next()) await writer.write(next.value);
    snapshot.release();
    await writer.commit();
  });
  expect([valueOf(stateMachine, 'a'), valueOf(stateMachine, 'b'), index]).toEqual([2, 3, 3]);
  // One revision for each write, none for one that was applied twice.
  expect(stateMachine.store.revision).toBe(4);
  expect(agreed).toEqual({ index: 2, term: 1, revision: 3 });
});

it('is nothing where the log is empty: a member that was let in and has heard nothing yet', async () => {
  await expect(held(async () => undefined)).rejects.toMatchObject({ code: 'unsupported' });
});
