// Starts of a storage: what is noted of them, here and at those that are met, and which copy is told from which.
import type { Storage } from '@raftkv/storage';
import type { Incarnation } from '@raftkv/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerRegistry } from '../src/founding.ts';
import { beginIncarnation, isSuccessor, noteSuperseded } from '../src/incarnation.ts';
import { MetBoots } from '../src/met-boots.ts';
import { Roster } from '../src/roster.ts';

type Notes = Map<string, Uint8Array>;

function storageOf(notes: Notes, written: string[] = []): Storage {
  return {
    getNote: async (name: string) => notes.get(name),
    setNote: async (name: string, value: Uint8Array) => {
      written.push(name);
      notes.set(name, value);
    },
  } as unknown as Storage;
}

let drawn = 0;
const draw = (count: number): Uint8Array => {
  drawn += 1;
  return Uint8Array.from({ length: count }, (_, at) => (at < 4 ? 0 : (drawn >> (8 * (7 - at))) & 0xff));
};

const begin = (notes: Notes): Promise<Incarnation> => beginIncarnation(storageOf(notes), draw);
const isKnown = (): boolean => true;
const refused = { code: 'member_superseded', definite: true };

describe('a start of a storage', () => {
  it('counts on, draws anew, and costs one write', async () => {
    const notes: Notes = new Map();
    const written: string[] = [];
    const first = await beginIncarnation(storageOf(notes, written), draw);
    const second = await beginIncarnation(storageOf(notes, written), draw);
    expect([first.bootCount, second.bootCount]).toEqual([1, 2]);
    expect(second.draws).toEqual([second.draws[0], first.draws[0]]);
    expect(second.draws[0]).not.toBe(first.draws[0]);
    expect(written).toEqual(['incarnation', 'incarnation']);
    for (let count = 0; count < 40; count += 1) await begin(notes);
    expect((await begin(notes)).draws).toHaveLength(16);
    expect(notes.get('incarnation')!.length).toBeLessThan(500);
  });

  it('draws for itself where no dice are given', async () => {
    const { draws } = await beginIncarnation(storageOf(new Map()));
    expect(draws[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is refused once others have met another one', async () => {
    const notes: Notes = new Map();
    await noteSuperseded(storageOf(notes), await begin(notes), 'a copy of it runs');
    await expect(begin(notes)).rejects.toMatchObject({ ...refused, message: 'a copy of it runs' });
  });

  it.each([
    ['storage_corrupt', 'no JSON'],
    ['storage_corrupt', '{"version":1,"bootCount":0,"draws":[]}'],
    ['storage_corrupt', '{"version":1,"bootCount":1,"draws":["x"]}'],
    ['unsupported_version', '{"version":2}'],
  ])('is refused with %s if its note is %s', async (code, text) => {
    const notes: Notes = new Map([['incarnation', new TextEncoder().encode(text)]]);
    await expect(begin(notes)).rejects.toMatchObject({ code });
  });

  it('is told from one of another copy, unless nothing was met since they parted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(20), fc.nat(6), fc.nat(6), fc.nat(6), async (before, met, more, copied) => {
        const notes: Notes = new Map();
        for (let count = 0; count < before; count += 1) await begin(notes);
        const copy = new Map(notes);
        let known: Incarnation | undefined;
        for (let count = 0; count < met; count += 1) known = await begin(notes);
        let own = known;
        for (let count = 0; count < more; count += 1) own = await begin(notes);
        let other: Incarnation | undefined;
        for (let count = 0; count < copied; count += 1) other = await begin(copy);
        fc.pre(known !== undefined);
        const boot = { bootCount: known!.bootCount, draw: known!.draws[0]! };
        if (own !== undefined) expect(isSuccessor(boot, own)).toBe(true);
        if (other !== undefined) expect(isSuccessor(boot, other)).toBe(false);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('counts as the same storage if it was met longer ago than it tells', () => {
    const draws = Array.from({ length: 16 }, (_, at) => `${at}`.padStart(16, '0'));
    expect(isSuccessor({ bootCount: 5, draw: 'f'.repeat(16) }, { bootCount: 21, draws })).toBe(true);
    expect(isSuccessor({ bootCount: 6, draw: 'f'.repeat(16) }, { bootCount: 21, draws })).toBe(false);
  });
});

describe('starts that were met', () => {
  it('are remembered across a restart; no news is not written', async () => {
    const own: Notes = new Map();
    const written: string[] = [];
    const peer: Notes = new Map();
    const storage = storageOf(own, written);
    const b = { name: 'node2', storeId: 'B' };
    const first = await MetBoots.open({ storage, isKnown });
    const older = await begin(peer);
    const newer = await begin(peer);
    await first.meet(b, older);
    await first.meet(b, newer);
    await first.meet(b, newer);
    expect(written).toEqual(['boots', 'boots']);
    const second = await MetBoots.open({ storage, isKnown });
    await expect(second.meet(b, older)).rejects.toMatchObject(refused);
    await second.meet(b, newer);
    expect(written).toHaveLength(2);
    // Of another storage it says nothing.
    await second.meet({ name: 'node3', storeId: 'C' }, older);
  });

  it('let in one of two copies that are started at once, and never the other', async () => {
    const disk: Notes = new Map();
    await begin(disk);
    const copies = [new Map(disk), new Map(disk)];
    const [one, other] = await Promise.all(copies.map(begin));
    expect(one!.bootCount).toBe(other!.bootCount);
    const met = await MetBoots.open({ storage: storageOf(new Map()), isKnown });
    const outcomes = await Promise.allSettled(
      [one!, other!].map((each) => met.meet({ name: 'n', storeId: 'S' }, each)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    // However often it is started.
    for (let count = 0; count < 10; count += 1) {
      const again = await begin(copies[1]!);
      await expect(met.meet({ name: 'n', storeId: 'S' }, again)).rejects.toMatchObject(refused);
    }
    await met.meet({ name: 'n', storeId: 'S' }, await begin(copies[0]!));
  });

  it('are noted before anybody is let in', async () => {
    const releases: (() => void)[] = [];
    const slow = {
      getNote: async () => undefined,
      setNote: () => new Promise<void>((resolve) => void releases.push(resolve)),
    } as unknown as Storage;
    const met = await MetBoots.open({ storage: slow, isKnown });
    const incarnation = await begin(new Map());
    let let_in = 0;
    const both = [1, 2].map(() => met.meet({ name: 'n', storeId: 'S' }, incarnation).then(() => (let_in += 1)));
    await new Promise((resolve) => void setImmediate(resolve));
    expect([let_in, releases.length]).toEqual([0, 1]);
    releases[0]!();
    await Promise.all(both);
    expect(let_in).toBe(2);
  });

  it('of strangers are forgotten beyond sixteen, those of members never', async () => {
    const own: Notes = new Map();
    const met = await MetBoots.open({ storage: storageOf(own), isKnown: (storeId) => storeId === 'member' });
    const incarnation = await begin(new Map());
    await met.meet({ name: 'n', storeId: 'member' }, incarnation);
    for (let count = 0; count < 40; count += 1) await met.meet({ name: 'n', storeId: `s${count}` }, incarnation);
    const note = JSON.parse(new TextDecoder().decode(own.get('boots'))) as { boots: Record<string, unknown> };
    expect(Object.keys(note.boots)).toHaveLength(17);
    expect(note.boots).toHaveProperty('member');
    expect(note.boots).toHaveProperty('s39');
  });

  it.each([
    ['storage_corrupt', 'no JSON'],
    ['storage_corrupt', '{"version":1,"boots":{"S":{"bootCount":1}}}'],
    ['unsupported_version', '{"version":7}'],
  ])('are refused with %s if their note is %s', async (code, text) => {
    const notes: Notes = new Map([['boots', new TextEncoder().encode(text)]]);
    await expect(MetBoots.open({ storage: storageOf(notes), isKnown })).rejects.toMatchObject({ code });
  });
});

describe('a registry', () => {
  it('refuses an old copy of a member, and a member that is told so does not start again', async () => {
    const founders = ['a', 'b'].map((id) => ({ id, name: `node-${id}`, address: `${id}:1` }));
    const configuration = { voters: ['a', 'b'], votersOutgoing: [], learners: [] };
    const open = (id: string, notes: Notes): Promise<PeerRegistry> => {
      const roster = new Roster(founders, { active: configuration, committed: configuration, committedIndex: 0 });
      const others = founders.filter((founder) => founder.id !== id);
      return PeerRegistry.open({
        storage: storageOf(notes),
        self: { memberId: id, storeId: id },
        others,
        roster,
        draw,
      });
    };
    const a = await open('a', new Map());
    const disk: Notes = new Map();
    const facts = async (notes: Notes) => (await open('b', notes)).factsFor('a');
    await a.admit({ memberId: 'b', storeId: 'b', facts: await facts(disk) });
    const copy = new Map(disk);
    await a.admit({ memberId: 'b', storeId: 'b', facts: await facts(disk) });
    const back = await open('b', copy);
    const refusal = a.admit({ memberId: 'b', storeId: 'b', facts: back.factsFor('a') });
    await expect(refusal).rejects.toMatchObject(refused);
    const { message } = await back.superseded('it was put back');
    expect(message).toBe('it was put back');
    await expect(open('b', copy)).rejects.toMatchObject(refused);
    await a.admit({ memberId: 'b', storeId: 'b', facts: await facts(disk) });
  });
});
