// The layout of log entries, configurations and snapshot positions, the same between peers and in storage.
import type { Configuration, Entry, EntryKind, Member, SnapshotMeta } from '@raftkv/raft';
import { RaftkvError } from './error.ts';
import { fields, list, optional, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import type { Reader } from './reader.ts';
import { hasTraits, onlyTraits, traits } from './traits.ts';
import type { MemberTraits } from './traits.ts';
import type { Writer } from './writer.ts';

const kinds: readonly EntryKind[] = ['command', 'empty', 'configuration'];

/** More than what surrounds the data of one entry. */
const entryOverheadBytes = 16;

/** One array of three elements an entry: term, kind, data. Indexes follow from `firstIndex`, so there may be no gap. */
export function writeEntries(writer: Writer, entries: readonly Entry[], firstIndex: number): void {
  const count = entries.length;
  writer.array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const entry = entries[i]!;
    if (entry.index !== firstIndex + i) {
      throw new RaftkvError('internal', `entry ${entry.index} stands where ${firstIndex + i} belongs`);
    }
    writer.uint(entry.term);
    writer.uint(entry.kind === 'command' ? 0 : kinds.indexOf(entry.kind));
    writer.bin(entry.data);
  }
}

/** The data of the entries are views over the input. */
export function readEntries(reader: Reader, firstIndex: number): Entry[] {
  const count = reader.array();
  if (count % 3 !== 0) reader.fail('an entry has three elements');
  const length = count / 3;
  if (firstIndex + length > Number.MAX_SAFE_INTEGER) reader.fail('an index would not be below 2^53');
  const entries: Entry[] = [];
  for (let i = 0; i < length; i += 1) {
    const term = reader.uint();
    const kind = kinds[reader.small(2)]!;
    entries.push({ index: firstIndex + i, term, kind, data: reader.bin() });
  }
  return entries;
}

export function entriesSizeHint(entries: readonly Entry[]): number {
  let bytes = 8;
  for (const entry of entries) bytes += entryOverheadBytes + entry.data.length;
  return bytes;
}

/** Most ids in one list of a configuration, and most records. The core allows as many in all. */
const maxMembers = 64;
/** Characters of an id or a store's id. */
const maxIdLength = 64;
/** Characters of a name or an address (a host name has 253 at most). */
const maxWordLength = 320;

const id = bounded('an id', maxIdLength, text);
const ids = bounded('a list of members', maxMembers, list(id));
const word = bounded('a name or an address', maxWordLength, text);
const member: Layout<Member> = fields<Omit<Member, 'kind' | 'domain'>>({
  id,
  name: word,
  address: word,
  storeId: optional(id),
  plan: optional(id),
});

/** Three elements: as it was before members had records. */
export const configurationV1: Layout<Configuration> = fields<
  Pick<Configuration, 'voters' | 'votersOutgoing' | 'learners'>
>({
  voters: ids,
  votersOutgoing: ids,
  learners: ids,
});

/** Five elements: as it was before members told what they are. */
export const configurationV2: Layout<Configuration> = fields<Configuration>({
  voters: ids,
  votersOutgoing: ids,
  learners: ids,
  learnersNext: orNone(ids),
  members: orNone(bounded('a list of members', maxMembers, list(member))),
});

const allTraits = bounded('a list of what members are', maxMembers, list(checked(traits)));

/** Six elements: the last says what each member is, in the order of their records. */
export const configuration: Layout<Configuration> = {
  size: configurationV2.size + 1,
  write(writer, value, walk) {
    configurationV2.write(writer, value, walk);
    allTraits.write(writer, value.members ?? [], walk);
  },
  read(reader, walk, into) {
    const value = configurationV2.read(reader, walk, into) as { members?: readonly Member[] } & Configuration;
    const told = allTraits.read(reader, walk);
    const { members = [] } = value;
    if (told.length !== members.length) reader.fail(`${told.length} of ${members.length} members say what they are`);
    value.members = members.map((each, at) => ({ ...each, ...onlyTraits(told[at]!) }));
    return value;
  },
};

/** A domain has no more characters than an id. */
function checked(layout: Layout<MemberTraits>): Layout<MemberTraits> {
  const check = (made: MemberTraits, refuse: () => never): MemberTraits =>
    (made.domain?.length ?? 0) > maxIdLength ? refuse() : made;
  return {
    size: layout.size,
    write(writer, value, walk) {
      check(value, () => {
        throw new RaftkvError('invalid_argument', `a failure domain is longer than ${maxIdLength}`);
      });
      layout.write(writer, value, walk);
    },
    read: (reader, walk) =>
      check(layout.read(reader, walk), () => reader.fail(`a failure domain is longer than ${maxIdLength}`)),
  };
}

/** Five elements: index, term and the configuration's three. */
export const snapshotMetaV1: Layout<SnapshotMeta> = fields<SnapshotMeta>({
  lastIncludedIndex: uint,
  lastIncludedTerm: uint,
  configuration: configurationV1,
});

/** Seven elements: index, term and the configuration's five. */
export const snapshotMetaV2: Layout<SnapshotMeta> = fields<SnapshotMeta>({
  lastIncludedIndex: uint,
  lastIncludedTerm: uint,
  configuration: configurationV2,
});

/** Eight elements: index, term and the configuration's six. */
export const snapshotMeta: Layout<SnapshotMeta> = fields<SnapshotMeta>({
  lastIncludedIndex: uint,
  lastIncludedTerm: uint,
  configuration,
});

/** The oldest version that says all that there is to say: 2 if members have records, 3 if one of them is not of Node. */
export function configurationVersion({ learnersNext = [], members = [] }: Configuration): 1 | 2 | 3 {
  if (members.some(hasTraits)) return 3;
  return learnersNext.length === 0 && members.length === 0 ? 1 : 2;
}

export function configurationSizeHint({ members = [] }: Configuration): number {
  return 256 + 256 * members.length;
}

function bounded<T extends { readonly length: number }>(what: string, maxLength: number, layout: Layout<T>): Layout<T> {
  return {
    size: layout.size,
    write(writer, value, walk) {
      if (value.length > maxLength) throw new RaftkvError('invalid_argument', `${what} is longer than ${maxLength}`);
      layout.write(writer, value, walk);
    },
    read(reader, walk) {
      const value = layout.read(reader, walk);
      return value.length <= maxLength ? value : reader.fail(`${what} is longer than ${maxLength}`);
    },
  };
}

function orNone<T>(layout: Layout<readonly T[]>): Layout<readonly T[] | undefined> {
  return { ...layout, write: (writer, value, walk) => layout.write(writer, value ?? [], walk) };
}
