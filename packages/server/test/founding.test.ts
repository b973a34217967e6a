// Founding: nobody talks Raft before every founder has noted every other one's storage, and who lost its storage is recognised.
import type { Storage } from '@raftkv/storage';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '@raftkv/raft';
import { PeerRegistry } from '../src/founding.ts';
import { Roster } from '../src/roster.ts';

const founders = ['a', 'b', 'c'].map((id, i) => ({ id, name: `node${i + 1}`, address: `${id}:1` }));
const asFounded: Configuration = { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] };

function open(storage: Storage, roster = foundingRoster(), others = founders.slice(1)): Promise<PeerRegistry> {
  return PeerRegistry.open({ storage, self: { memberId: 'a', storeId: 'A1' }, others, roster });
}

function foundingRoster(): Roster {
  return new Roster(founders, { active: asFounded, committed: asFounded, committedIndex: 0 });
}

/** The notes of a storage that survive `PeerRegistry.open` being called again. */
function noteStorage(notes = new Map<string, Uint8Array>()): Storage {
  return {
    getNote: async (name: string) => notes.get(name),
    setNote: async (name: string, value: Uint8Array) => void notes.set(name, value),
  } as unknown as Storage;
}

/** As founders of before said it: nothing but that they are there. */
describe('founding', () => {
  it('is complete once all others were noted and have noted us', async () => {
    const registry = await open(noteStorage());
    let isFounded = false;
    const founded = registry.founded().then(() => {
      isFounded = true;
    });
    await registry.admit({ memberId: 'b', storeId: 'B1' });
    await registry.admittedBy('b');
    await registry.admit({ memberId: 'c', storeId: 'C1' });
    await Promise.resolve();
    expect([isFounded, registry.isFounded, registry.missing()]).toEqual([false, false, ['node3']]);
    expect(registry.founders).toBeUndefined();
    await registry.admittedBy('c');
    await founded;
    expect([isFounded, registry.isFounded, registry.missing()]).toEqual([true, true, []]);
    expect(registry.founders).toEqual(
      new Map([
        ['b', 'B1'],
        ['c', 'C1'],
      ]),
    );
  });

  it('is remembered, half or whole, across a restart', async () => {
    const notes = new Map<string, Uint8Array>();
    const first = await open(noteStorage(notes));
    await first.admit({ memberId: 'b', storeId: 'B1' });
    await first.admittedBy('b');
    const second = await open(noteStorage(notes));
    expect(second.missing()).toEqual(['node3']);
    await second.admit({ memberId: 'c', storeId: 'C1' });
    await second.admittedBy('c');
    const third = await open(noteStorage(notes));
    expect(third.isFounded).toBe(true);
    await third.founded();
  });

  it('lets in one that the log may have made a member by now, and notes nothing of it', async () => {
    const notes = new Map<string, Uint8Array>();
    const registry = await open(noteStorage(notes));
    await registry.admit({ memberId: '0000000000000020', storeId: 'S' });
    expect([...notes.keys()]).toEqual(['incarnation']);
    await expect(registry.admit({ memberId: 'f100aa00bb00cc0d', storeId: 'S' })).rejects.toThrow('not of this cluster');
  });

  it('refuses a member that comes back with another storage, also after a restart', async () => {
    const notes = new Map<string, Uint8Array>();
    const first = await open(noteStorage(notes));
    await first.admit({ memberId: 'b', storeId: 'B1' });
    await expect(first.admit({ memberId: 'b', storeId: 'B2' })).rejects.toMatchObject({ code: 'member_amnesia' });
    const second = await open(noteStorage(notes));
    await expect(second.admit({ memberId: 'b', storeId: 'B2' })).rejects.toMatchObject({ code: 'member_amnesia' });
    await second.admit({ memberId: 'b', storeId: 'B1' });
  });

  it('does not admit before the note is durable', async () => {
    let release = (): void => {};
    const slow = {
      getNote: async () => undefined,
      setNote: async (name: string) => {
        if (name === 'peers') await new Promise<void>((resolve) => (release = resolve));
      },
    } as unknown as Storage;
    const registry = await open(slow);
    let admitted = 0;
    const both = [1, 2].map(() => registry.admit({ memberId: 'b', storeId: 'B1' }).then(() => admitted++));
    await new Promise((done) => setImmediate(done));
    expect(admitted).toBe(0);
    release();
    await Promise.all(both);
    expect(admitted).toBe(2);
  });

  it('is not complete before the note that says so is durable: a crash would forget it, and wait for members that may be gone', async () => {
    const notes = new Map<string, Uint8Array>();
    const releases: (() => void)[] = [];
    const slow = {
      getNote: async () => undefined,
      setNote: async (name: string, value: Uint8Array) => {
        if (name === 'peers') await new Promise<void>((resolve) => releases.push(resolve));
        notes.set(name, value);
      },
    } as unknown as Storage;
    const registry = await open(slow, foundingRoster(), founders.slice(1, 2));
    const turn = (): Promise<void> => new Promise((done) => void setImmediate(done));
    const saving = [registry.admit({ memberId: 'b', storeId: 'B1' }), registry.admittedBy('b')];
    await turn();
    releases[0]!();
    await turn();
    expect(registry.isFounded).toBe(false);
    expect((await open(noteStorage(notes), foundingRoster(), founders.slice(1, 2))).isFounded).toBe(false);
    releases[1]!();
    await Promise.all(saving);
    expect(registry.isFounded).toBe(true);
    expect((await open(noteStorage(notes), foundingRoster(), founders.slice(1, 2))).isFounded).toBe(true);
  });

  it('refuses strangers', async () => {
    const registry = await open(noteStorage());
    await expect(registry.admit({ memberId: 'z', storeId: 'Z1' })).rejects.toMatchObject({ code: 'wrong_member' });
  });

  it('is complete at once for a cluster of one', async () => {
    const registry = await open(noteStorage(), foundingRoster(), []);
    expect(registry.isFounded).toBe(true);
  });

  it('does not wait for members that joined, and does not note them', async () => {
    const notes = new Map<string, Uint8Array>();
    const roster = foundingRoster();
    const registry = await open(noteStorage(notes), roster);
    const member = { id: '000000000000000c', name: 'node4', address: 'd:1', storeId: 'D1' };
    const active = { ...asFounded, learners: [member.id], members: [member] };
    roster.update({ active, committed: asFounded, committedIndex: 0 });
    await registry.admit({ memberId: member.id, storeId: 'D1' });
    await registry.admittedBy(member.id);
    expect([registry.missing(), [...notes.keys()]]).toEqual([['node2', 'node3'], ['incarnation']]);
    roster.update({ active, committed: active, committedIndex: 12 });
    await expect(registry.admit({ memberId: member.id, storeId: 'D2' })).rejects.toMatchObject({
      code: 'member_amnesia',
    });
  });

  it('goes by what a note of version 1 says: founded then is founded, what was half done is told once more', async () => {
    const noteOf = (admittedBy: readonly string[]) => {
      const note = { version: 1, storeIds: { b: 'B1', c: 'C1' }, admittedBy };
      return noteStorage(new Map([['peers', new TextEncoder().encode(JSON.stringify(note))]]));
    };
    const whole = await open(noteOf(['b', 'c']));
    expect([whole.isFounded, whole.missing()]).toEqual([true, []]);
    const half = await open(noteOf(['b']));
    expect([half.isFounded, half.missing()]).toEqual([false, ['node2', 'node3']]);
    await half.admittedBy('b');
    await half.admittedBy('c');
    expect(half.isFounded).toBe(true);
  });

  it('refuses a note that does not decode', async () => {
    const notes = new Map([['peers', new TextEncoder().encode('{"version":9}')]]);
    await expect(open(noteStorage(notes))).rejects.toMatchObject({ code: 'storage_corrupt' });
  });
});
