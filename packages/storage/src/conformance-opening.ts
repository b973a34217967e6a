// Conformance: creating, opening again, identities, locks, notes, closing.
import { bytesOf, codeOf, entries, hardState, member, withStorage } from './conformance-tools.ts';
import type { ConformanceTools } from './conformance-tools.ts';

export function describeOpening(tools: ConformanceTools): void {
  const { describe, it, expect, createPlace } = tools;

  describe('opening', () => {
    it('starts empty, with the identity asked for and a store id of its own', async () => {
      await withStorage(tools, async (storage) => {
        const { identity, ...state } = await storage.load();
        const { storeId, ...rest } = identity;
        expect(rest).toEqual(member);
        expect(storeId.length).toBeGreaterThan(8);
        expect(state).toEqual({
          hardState: undefined,
          snapshot: undefined,
          entries: [],
          compactedIndex: 0,
          compactedTerm: 0,
          repairs: [],
        });
      });
    });

    it('keeps the store id for life, and draws another for another place', async () => {
      await withStorage(tools, async (first, reopen) => {
        const { storeId } = (await first.load()).identity;
        expect((await reopen()).state.identity.storeId).toBe(storeId);
        await withStorage(tools, async (second) => {
          expect((await second.load()).identity.storeId === storeId).toBe(false);
        });
      });
    });

    it('takes a store id that was drawn before, and no other one later', async () => {
      const place = await createPlace();
      const identity = { ...member, storeId: 'drawn before the store was made' };
      const made = await place.open({ create: true, identity });
      expect((await made.load()).identity).toEqual(identity);
      await made.close();
      expect(await codeOf(() => place.open({ create: true, identity: { ...member, storeId: 'another' } }))).toBe(
        'storage_identity',
      );
      await (await place.open({ create: false, identity })).close();
      await place.dispose();
    });

    it('refuses an empty place unless asked to create', async () => {
      const place = await createPlace();
      expect(await codeOf(() => place.open({ create: false, identity: member }))).toBe('storage_missing');
      expect(await codeOf(() => place.open({ create: true }))).toBe('storage_missing');
      await (await place.open({ create: true, identity: member })).close();
      await place.dispose();
    });

    it('opens what is there even when asked to create, and keeps what it holds', async () => {
      const place = await createPlace();
      const first = await place.open({ create: true, identity: member });
      await first.append({ hardState: hardState(1), entries: entries(1, 2) });
      await first.close();
      const second = await place.open({ create: true, identity: member });
      expect((await second.load()).entries.length).toBe(2);
      await second.close();
      await place.dispose();
    });

    for (const word of ['clusterId', 'memberId', 'memberName'] as const) {
      it(`refuses a store of another ${word}`, async () => {
        const place = await createPlace();
        await (await place.open({ create: true, identity: member })).close();
        const other = { ...member, [word]: 'other' };
        expect(await codeOf(() => place.open({ create: true, identity: other }))).toBe('storage_identity');
        await (await place.open({ create: false })).close();
        await place.dispose();
      });
    }

    it('refuses an identity with an empty or endless word', async () => {
      const place = await createPlace();
      for (const memberName of ['', 'x'.repeat(129)]) {
        const identity = { ...member, memberName };
        expect(await codeOf(() => place.open({ create: true, identity }))).toBe('invalid_argument');
      }
      await place.dispose();
    });

    it('refuses a second opener until the first one closes', async () => {
      const place = await createPlace();
      const first = await place.open({ create: true, identity: member });
      expect(await codeOf(() => place.open({ create: false }))).toBe('storage_locked');
      await first.close();
      await (await place.open({ create: false })).close();
      await place.dispose();
    });

    it('loads once', async () => {
      await withStorage(tools, async (storage) => {
        await storage.load();
        expect(await codeOf(() => storage.load())).toBe('invalid_argument');
      });
    });
  });

  describe('closing', () => {
    it('is idempotent, and everything after it is refused', async () => {
      await withStorage(tools, async (storage) => {
        await Promise.all([storage.close(), storage.close()]);
        const batch = { hardState: undefined, entries: entries(1, 1) };
        expect(await codeOf(() => storage.append(batch))).toBe('closed');
        expect(await codeOf(() => storage.load())).toBe('closed');
        expect(await codeOf(() => storage.compact(1))).toBe('closed');
        expect(await codeOf(() => storage.openSnapshot())).toBe('closed');
        expect(await codeOf(() => storage.setNote('a', bytesOf('b')))).toBe('closed');
      });
    });

    it('makes durable what was appended before it', async () => {
      await withStorage(tools, async (storage, reopen) => {
        void storage.append({ hardState: hardState(3), entries: entries(1, 5) });
        const { state } = await reopen();
        expect(state.entries.length).toBe(5);
        expect(state.hardState).toEqual(hardState(3));
      });
    });
  });

  describe('notes', () => {
    it('are kept by name, and the last value wins', async () => {
      await withStorage(tools, async (storage, reopen) => {
        expect(await storage.getNote('peers')).toBe(undefined);
        await storage.setNote('peers', bytesOf('one'));
        await storage.setNote('peers', bytesOf('two'));
        await storage.setNote('empty', new Uint8Array(0));
        await storage.setNote('large', new Uint8Array(64 * 1024).fill(1));
        const { storage: again } = await reopen();
        expect(await again.getNote('peers')).toEqual(bytesOf('two'));
        expect(await again.getNote('empty')).toEqual(new Uint8Array(0));
        expect((await again.getNote('large'))?.length).toBe(64 * 1024);
      });
    });

    it('have a limit of 64 KiB and plain names', async () => {
      await withStorage(tools, async (storage) => {
        const tooLarge = new Uint8Array(64 * 1024 + 1);
        expect(await codeOf(() => storage.setNote('large', tooLarge))).toBe('invalid_argument');
        for (const name of ['', '../x', 'A', 'a/b', 'x'.repeat(65), 'a.tmp']) {
          expect(await codeOf(() => storage.setNote(name, bytesOf(''))), name).toBe('invalid_argument');
        }
        // A refusal is not a failure: the storage goes on.
        await storage.setNote('fine', bytesOf('yes'));
      });
    });
  });
}
