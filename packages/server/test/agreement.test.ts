// Founders that tell each other what they have noted: all of them come to the same storages or none is founded, whoever loses its own on the way.
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerRegistry } from '../src/founding.ts';
import { drawnClusterId } from '../src/identity.ts';
import { Roster } from '../src/roster.ts';

const names = ['a', 'b', 'c'] as const;
type Name = (typeof names)[number];
const founders = names.map((id) => ({ id, name: `node-${id}`, address: `${id}:1` }));
const configuration = { voters: [...names], votersOutgoing: [], learners: [] };

/** A founder over its lives; channels between two of them stand until one of the two starts again. */
class Founder {
  readonly id: Name;
  storeId: string;
  registry!: PeerRegistry;
  #notes = new Map<string, Uint8Array>();
  readonly #isOld: boolean;
  #stores = 1;

  constructor(id: Name, isOld = false) {
    this.id = id;
    this.#isOld = isOld;
    this.storeId = `${id}1`;
  }

  async start(): Promise<this> {
    const storage = {
      getNote: async (name: string) => this.#notes.get(name),
      setNote: async (name: string, value: Uint8Array) => void this.#notes.set(name, value),
    } as unknown as Storage;
    const roster = new Roster(founders, { active: configuration, committed: configuration, committedIndex: 0 });
    const others = founders.filter(({ id }) => id !== this.id);
    this.registry = await PeerRegistry.open({
      storage,
      self: { memberId: this.id, storeId: this.storeId },
      others,
      roster,
    });
    return this;
  }

  async loseDisk(): Promise<void> {
    this.#notes = new Map();
    this.#stores += 1;
    this.storeId = `${this.id}${this.#stores}`;
    await this.start();
  }

  introduction(to: Founder) {
    const peer = { memberId: this.id, storeId: this.storeId };
    return this.#isOld || to.#isOld ? peer : { ...peer, facts: this.registry.factsFor(to.id) };
  }

  /** As it draws the id of its cluster. */
  get clusterId(): string | undefined {
    const others = this.registry.founders;
    if (others === undefined) return undefined;
    const stores = founders.map(({ id, name }) => ({ name, storeId: id === this.id ? this.storeId : others.get(id)! }));
    return drawnClusterId('token', stores);
  }
}

/** The handshake, from `dialler`. Answers what it was refused with. */
async function meet(dialler: Founder, other: Founder): Promise<RaftkvError | undefined> {
  try {
    await other.registry.admit({ memberId: dialler.id, storeId: dialler.storeId });
    await dialler.registry.admit(other.introduction(dialler));
    await other.registry.admit(dialler.introduction(other));
  } catch (error) {
    return RaftkvError.from(error);
  }
  await dialler.registry.admittedBy(other.id);
  await other.registry.admittedBy(dialler.id);
  return undefined;
}

async function three(old: readonly Name[] = []) {
  const [a, b, c] = names.map((id) => new Founder(id, old.includes(id))) as [Founder, Founder, Founder];
  for (const founder of [a, b, c]) await founder.start();
  return { a, b, c };
}

describe('founders that agree', () => {
  it('are founded when each has heard from all others that they have noted the same', async () => {
    const { a, b, c } = await three();
    await meet(a, b);
    await meet(a, c);
    await meet(b, c);
    // b and c have told each other all; a has not heard yet that they have met, nor b that a has met c.
    expect([a, b, c].map(({ registry }) => registry.isFounded)).toEqual([false, false, true]);
    for (const [one, other] of [
      [a, b],
      [c, a],
    ] as const)
      expect(await meet(one, other)).toBeUndefined();
    expect([a, b, c].map(({ registry }) => registry.isFounded)).toEqual([true, true, true]);
    expect(new Set([a, b, c].map(({ clusterId }) => clusterId)).size).toBe(1);
  });

  it('go by the most that a founder has told, whatever a slower channel of it says later', async () => {
    const { a, b, c } = await three();
    await meet(a, b);
    // Of a second channel that a opened to c before it had met c over the first.
    const earlier = a.introduction(c);
    await meet(a, c);
    await c.registry.admit(a.introduction(c));
    await c.registry.admit(earlier);
    await meet(b, c);
    expect(c.registry.missing()).toEqual([]);
    expect(c.registry.isFounded).toBe(true);
  });

  it('tell when there is more to tell, and only when all is noted', async () => {
    const { a, b, c } = await three();
    let news = 0;
    a.registry.onNews = () => (news += 1);
    await meet(a, b);
    expect([news, [...(a.registry.factsFor('b').founding ?? [])]]).toEqual([
      0,
      [
        ['a', 'a1'],
        ['b', 'b1'],
      ],
    ]);
    await meet(a, c);
    expect([news, a.registry.factsFor('b').founding?.size]).toEqual([1, 3]);
    await meet(a, b);
    expect(news).toBe(1);
  });

  it('do not make two clusters when one of them loses its storage before it has met all', async () => {
    const { a, b, c } = await three();
    await meet(a, b);
    await b.loseDisk();
    await meet(c, b);
    // They meet only now, and each knows another b.
    const refusal = await meet(a, c);
    expect(refusal).toMatchObject({ code: 'founders_disagree', definite: true });
    expect(refusal?.message).toContain('node-b lost its storage');
    expect(refusal?.message).toContain('empty their data directories');
    expect([a, b, c].map(({ clusterId }) => clusterId)).toEqual([undefined, undefined, undefined]);
  });

  it('do not either where the channel of the two others stood before', async () => {
    const { a, b, c } = await three();
    await meet(a, b);
    // a tells c here whom it has met: c goes by that.
    await meet(a, c);
    await b.loseDisk();
    expect(await meet(c, b)).toMatchObject({ code: 'member_amnesia' });
    expect([a, b, c].map(({ clusterId }) => clusterId)).toEqual([undefined, undefined, undefined]);
  });

  it('are told of it while their channel stands', async () => {
    const { a, b, c } = await three();
    await meet(a, c);
    await meet(a, b);
    await b.loseDisk();
    await meet(c, b);
    // What the mesh carries when `onNews` was told: at each of the two.
    const told = a.registry.admit(c.introduction(a));
    await expect(told).rejects.toMatchObject({ code: 'founders_disagree' });
    await expect(c.registry.admit(a.introduction(c))).rejects.toMatchObject({ code: 'founders_disagree' });
    expect([a, b, c].map(({ clusterId }) => clusterId)).toEqual([undefined, undefined, undefined]);
  });

  it('need no word of one that speaks version 1: it is enough that it was met', async () => {
    const { a, b, c } = await three(['b']);
    for (const [one, other] of [
      [a, b],
      [a, c],
      [c, b],
      [c, a],
    ] as const)
      await meet(one, other);
    expect([a, c].map(({ registry }) => registry.missing())).toEqual([[], []]);
    expect(a.clusterId).toBe(c.clusterId);
  });

  it('never come to two ids, whoever meets whom, starts again, or loses its storage', async () => {
    const name = fc.constantFrom(...names);
    const pair = fc.tuple(name, name).filter(([one, other]) => one !== other);
    const event = fc.oneof(
      { arbitrary: fc.record({ type: fc.constant('meet' as const), pair }), weight: 8 },
      { arbitrary: fc.record({ type: fc.constantFrom('start' as const, 'lose' as const), name }), weight: 1 },
    );
    let founded = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 6, maxLength: 30 }), async (events) => {
        const all = await three();
        let most = 0;
        for (const each of events) {
          if (each.type === 'meet') await meet(all[each.pair[0]], all[each.pair[1]]);
          else if (each.type === 'start') await all[each.name].start();
          else await all[each.name].loseDisk();
          const ids = Object.values(all).flatMap(({ clusterId }) => clusterId ?? []);
          expect(new Set(ids).size).toBeLessThanOrEqual(1);
          most = Math.max(most, ids.length);
        }
        if (most === names.length) founded += 1;
      }),
      { seed: 7, numRuns: 400 },
    );
    expect(founded).toBeGreaterThan(50);
  });
});
