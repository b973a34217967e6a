// The reference of what keeps writes: what is found again, all or nothing, and that of two who believe to have a lane only the last can write in it.
import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from '../src/index.ts';
import type { KeptWrite, WriteMark } from '../src/index.ts';

const write = (number: number): KeptWrite => ({
  number,
  keptAt: number,
  clusterId: '',
  isShown: true,
  command: Uint8Array.of(number),
});
const mark: WriteMark = { clientId: 7, sequence: 1, failure: undefined };
const keep = (number: number, replaces?: number) => ({ type: 'keep', write: write(number), replaces }) as const;

describe('an outbox in memory', () => {
  it('finds again what was kept, in order and with its marks, and not what was forgotten or replaced', async () => {
    const outbox = new MemoryOutbox();
    const lane = await outbox.take('a');
    await lane.commit([keep(1), keep(2), keep(3), { type: 'mark', number: 3, mark }]);
    await lane.commit([{ type: 'forget', number: 1 }, keep(4, 2), keep(5)]);
    const known = { ...write(5), clusterId: 'known' };
    await lane.commit([{ type: 'mark', number: 5, mark, write: known }]);
    expect(await outbox.lanes()).toEqual(['a']);
    const { found } = await outbox.take('a');
    expect(found).toEqual([
      { ...write(3), mark },
      { ...write(4), mark: undefined },
      { ...known, mark },
    ]);
  });

  it('lets only whoever took a lane last write in it', async () => {
    const outbox = new MemoryOutbox();
    const old = await outbox.take('a');
    await old.commit([keep(1)]);
    const heir = await outbox.take('a');
    await expect(old.commit([{ type: 'mark', number: 1, mark }])).rejects.toMatchObject({ code: 'storage_locked' });
    expect((await outbox.take('a')).found[0]!.mark).toBeUndefined();
    await expect(heir.commit([{ type: 'forget', number: 1 }])).rejects.toMatchObject({ code: 'storage_locked' });
  });

  it('drops a lane that is empty alone, and says locked of one that another has emptied, missing of one that was deleted', async () => {
    const outbox = new MemoryOutbox();
    const lane = await outbox.take('a');
    await lane.commit([keep(1)]);
    await lane.drop();
    expect(await outbox.lanes()).toEqual(['a']);
    const heir = await outbox.take('a');
    await heir.commit([{ type: 'forget', number: 1 }]);
    await heir.drop();
    expect(await outbox.lanes()).toEqual([]);
    await expect(lane.commit([keep(2)])).rejects.toMatchObject({ code: 'storage_locked' });
    outbox.wipe();
    await expect(lane.commit([keep(2)])).rejects.toMatchObject({ code: 'storage_missing' });
  });
});
