// Arbitrary members, configurations and snapshot positions, and the small values that they are made of.
import fc from 'fast-check';
import type { Configuration, SnapshotMeta } from '@raftkv/raft';
import type { MemberTraits } from '../src/index.ts';

/** Integers of every encoded width, with the edges of each. */
export const uint = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
  fc.nat(1000),
);
export const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
export const id = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 16, maxLength: 16 });
const word = fc.string({ unit: 'grapheme', maxLength: 20 });
/** What is not said has no field. */
export const traits: fc.Arbitrary<MemberTraits> = fc.oneof(
  fc.constant({}),
  fc.record({ kind: fc.constant('tab' as const), domain: id }, { requiredKeys: [] }),
);
const plainConfiguration: fc.Arbitrary<Configuration> = fc.record({
  voters: fc.array(id, { maxLength: 5 }),
  votersOutgoing: fc.array(id, { maxLength: 5 }),
  learners: fc.array(id, { maxLength: 5 }),
});
export const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: fc.array(id, { maxLength: 5 }),
  votersOutgoing: fc.array(id, { maxLength: 5 }),
  learners: fc.array(id, { maxLength: 5 }),
  learnersNext: fc.array(id, { maxLength: 5 }),
  members: fc.array(
    fc
      .tuple(fc.record({ id, name: word, address: word, storeId: maybe(id), plan: maybe(id) }), traits)
      .map(([record, told]) => ({ ...record, ...told })),
    { maxLength: 5 },
  ),
});
export const snapshotMeta = fc.record({ lastIncludedIndex: uint, lastIncludedTerm: uint, configuration });

/** As it travels between members: with nothing in it that is new since version 1, it comes back without the new fields. */
export const travellingMeta: fc.Arbitrary<SnapshotMeta> = fc.record({
  lastIncludedIndex: uint,
  lastIncludedTerm: uint,
  configuration: fc.oneof(
    plainConfiguration,
    configuration.filter(({ learnersNext = [], members = [] }) => learnersNext.length + members.length > 0),
  ),
});
