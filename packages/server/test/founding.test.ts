// Founding: nobody talks Raft before every founder has noted every other one's storage, and who lost its storage is recognised.
import type { Storage } from '@raftkv/storage';
import { describe, expect, it } from 'vitest';
import { PeerRegistry } from '../src/founding.ts';

const others = [
  { id: 'b', name: 'node2' },
  { id: 'c', name: 'node3' },
];

/** The notes of a storage that survive `PeerRegistry.open` being called again. */
function noteStorage(notes = new Map<string, Uint8Array>()): Storage {
  return {
    getNote: async (name: string) => notes.get(name),
    setNote: async (name: string, value: Uint8Array) => void notes.set(name, value),
  } as unknown as Storage;
}

describe('founding', () => {
  it('is complete once all others were noted and have noted us', async () => {
    const registry = await PeerRegistry.open(noteStorage(), others);
    let isFounded = false;
    const founded = registry.founded().then(() => {
      isFounded = true;
    });
    await registry.admit({ memberId: 'b', storeId: 'B1' });
    await registry.admittedBy('b');
    await registry.admit({ memberId: 'c', storeId: 'C1' });
    await Promise.resolve();
    expect([isFounded, registry.isFounded, registry.missing()]).toEqual([false, false, ['node3']]);
    await registry.admittedBy('c');
    await founded;
    expect([isFounded, registry.isFounded, registry.missing()]).toEqual([true, true, []]);
  });

  it('is remembered, half or whole, across a restart', async () => {
    const notes = new Map<string, Uint8Array>();
    const first = await PeerRegistry.open(noteStorage(notes), others);
    await first.admit({ memberId: 'b', storeId: 'B1' });
    await first.admittedBy('b');
    const second = await PeerRegistry.open(noteStorage(notes), others);
    expect(second.missing()).toEqual(['node3']);
    await second.admit({ memberId: 'c', storeId: 'C1' });
    await second.admittedBy('c');
    const third = await PeerRegistry.open(noteStorage(notes), others);
    expect(third.isFounded).toBe(true);
    await third.founded();
  });

  it('refuses a member that comes back with another storage, also after a restart', async () => {
    const notes = new Map<string, Uint8Array>();
    const first = await PeerRegistry.open(noteStorage(notes), others);
    await first.admit({ memberId: 'b', storeId: 'B1' });
    await expect(first.admit({ memberId: 'b', storeId: 'B2' })).rejects.toMatchObject({ code: 'member_amnesia' });
    const second = await PeerRegistry.open(noteStorage(notes), others);
    await expect(second.admit({ memberId: 'b', storeId: 'B2' })).rejects.toMatchObject({ code: 'member_amnesia' });
    await second.admit({ memberId: 'b', storeId: 'B1' });
  });

  it('does not admit before the note is durable', async () => {
    let release = (): void => {};
    const slow = {
      getNote: async () => undefined,
      setNote: () => new Promise<void>((resolve) => (release = resolve)),
    } as unknown as Storage;
    const registry = await PeerRegistry.open(slow, others);
    let admitted = 0;
    const both = [1, 2].map(() => registry.admit({ memberId: 'b', storeId: 'B1' }).then(() => admitted++));
    await new Promise((done) => setImmediate(done));
    expect(admitted).toBe(0);
    release();
    await Promise.all(both);
    expect(admitted).toBe(2);
  });

  it('refuses strangers', async () => {
    const registry = await PeerRegistry.open(noteStorage(), others);
    await expect(registry.admit({ memberId: 'z', storeId: 'Z1' })).rejects.toMatchObject({ code: 'wrong_member' });
  });

  it('is complete at once for a cluster of one', async () => {
    const registry = await PeerRegistry.open(noteStorage(), []);
    expect(registry.isFounded).toBe(true);
  });

  it('refuses a note that does not decode', async () => {
    const notes = new Map([['peers', new TextEncoder().encode('{"version":9}')]]);
    await expect(PeerRegistry.open(noteStorage(notes), others)).rejects.toMatchObject({ code: 'storage_corrupt' });
  });
});
