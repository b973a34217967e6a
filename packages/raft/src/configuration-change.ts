// What a change of members makes of a configuration (§4.2, §4.3): pure, from the one that holds to the one to propose, or a refusal
// with its reason in words. Whether this is the time for it, and whether a quorum would be left, is for membership.ts to say.
import type { Configuration, Member, MemberChange, NewMember, PeerId } from './entry.ts';
import type { RefusalReason } from './message.ts';
import { MAX_MEMBERS, isMember, membersOf } from './configuration.ts';
import { unreachable } from './assert.ts';

export type Plan =
  | { readonly configuration: Configuration; readonly refused?: undefined }
  | { readonly configuration?: undefined; readonly refused: RefusalReason; readonly detail: string };

export interface Circumstances {
  /** Of the entry that will hold the change: ids are made of it. */
  readonly index: number;
  /** Whether this learner has nearly all of the log, and answers. */
  readonly isCaughtUp: (id: PeerId) => boolean;
}

/** The members as they shall be, while the parts of a change are gone through. */
interface Draft {
  readonly before: Configuration;
  readonly voters: Set<PeerId>;
  readonly learners: Set<PeerId>;
  readonly records: Map<PeerId, Member>;
  readonly touched: Set<PeerId>;
  addedCount: number;
}

type Refusal = Extract<Plan, { readonly detail: string }>;

/** `configuration` must not be joint. If voters change the answer is the joint configuration, else the new one itself. */
export function planChange(
  configuration: Configuration,
  changes: readonly MemberChange[],
  circumstances: Circumstances,
): Plan {
  const { voters, learners, members = [] } = configuration;
  const draft: Draft = {
    before: configuration,
    voters: new Set(voters),
    learners: new Set(learners),
    records: new Map(members.map((record) => [record.id, record])),
    touched: new Set(),
    addedCount: 0,
  };
  if (changes.length === 0) return invalid('a change of members without any change');
  for (const change of changes) {
    const refusal = change.type === 'add' ? add(draft, change, circumstances) : alter(draft, change, circumstances);
    if (refusal !== undefined) return refusal;
  }
  const next = compose(draft);
  if (next.voters.length === 0) return invalid('nobody would be left to vote');
  if (membersOf(next).length > MAX_MEMBERS) return invalid(`more than ${MAX_MEMBERS} members`);
  // Not sorted yet, so that who had a name first is named as its owner.
  const named = [...draft.records.values()].filter(({ id }) => isMember(next, id));
  return clash(named) ?? { configuration: next };
}

/** §4.3: what follows a joint configuration once that is committed. */
export function withoutOutgoing(configuration: Configuration): Configuration {
  const { voters, learners, learnersNext = [], members = [] } = configuration;
  const next = { voters, votersOutgoing: [], learners: [...learners, ...learnersNext].toSorted(), learnersNext: [] };
  return { ...next, members: members.filter(({ id }) => isMember(next, id)) };
}

function add(draft: Draft, change: Extract<MemberChange, { type: 'add' }>, { index }: Circumstances): undefined {
  let id: PeerId;
  do id = idFrom(index, draft.addedCount++);
  while (isMember(draft.before, id));
  const { name, address, storeId, plan, kind, domain }: NewMember = change.member;
  draft.records.set(id, { id, name, address, storeId, plan, ...traitsOf({ kind, domain }) });
  draft.touched.add(id);
  (change.as === 'voter' ? draft.voters : draft.learners).add(id);
}

/**
 * T24: an index is given to one committed entry only, so an id made of it was never another member's. The first two of 16 hexadecimal
 * digits count the members that one change adds; indexes have 14 (they are below 2^53).
 */
function idFrom(index: number, ordinal: number): PeerId {
  return ordinal.toString(16).padStart(2, '0') + index.toString(16).padStart(14, '0');
}

function alter(
  draft: Draft,
  change: Exclude<MemberChange, { type: 'add' }>,
  { isCaughtUp }: Circumstances,
): Refusal | undefined {
  const { before, voters, learners, touched } = draft;
  const { id } = change;
  if (!isMember(before, id)) return invalid(`${id} is no member`);
  if (touched.has(id)) return invalid(`${id} is changed twice`);
  touched.add(id);
  switch (change.type) {
    case 'promote':
      if (!learners.delete(id)) return invalid(`${id} votes already`);
      voters.add(id);
      if (!isCaughtUp(id)) return { refused: 'not-ready', detail: `${id} has not caught up, or does not answer` };
      // What was planned for it has come about.
      return correct(draft, { id, storeId: change.storeId, plan: '' });
    case 'demote':
      if (!voters.delete(id)) return invalid(`${id} is a learner already`);
      learners.add(id);
      return undefined;
    case 'remove':
      voters.delete(id);
      learners.delete(id);
      return undefined;
    case 'update':
      return correct(draft, change) ?? unlessRecorded(draft, id);
    default:
      return unreachable(change);
  }
}

/** A record that is not there yet needs a name and an address. */
function correct(
  { records }: Draft,
  change: { readonly id: PeerId } & { readonly [Name in keyof NewMember]?: NewMember[Name] | undefined },
): Refusal | undefined {
  const known = records.get(change.id);
  const name = change.name ?? known?.name;
  const address = change.address ?? known?.address;
  const storeId = change.storeId ?? known?.storeId;
  if (known?.storeId !== undefined && known.storeId !== storeId) {
    return invalid(`${change.id} has another storage: a member without its storage is another member`);
  }
  // Nothing is known of it yet: that takes a name and an address.
  if (name === undefined || address === undefined) return undefined;
  const plan = change.plan ?? known?.plan;
  const traits = traitsOf({ kind: known?.kind ?? change.kind, domain: known?.domain ?? change.domain });
  records.set(change.id, { id: change.id, name, address, storeId, plan: plan === '' ? undefined : plan, ...traits });
  return undefined;
}

/** Without what is not said, as a record is read again. */
function traitsOf({ kind, domain }: Pick<NewMember, 'kind' | 'domain'>): Pick<NewMember, 'kind' | 'domain'> {
  return { ...(kind === undefined ? {} : { kind }), ...(domain === undefined ? {} : { domain }) };
}

/** Otherwise the change would be taken, and nothing of it be there. */
function unlessRecorded({ records }: Draft, id: PeerId): Refusal | undefined {
  return records.has(id) ? undefined : invalid(`${id} has no record yet: that takes a name and an address`);
}

function compose({ before, voters, learners, records }: Draft): Configuration {
  const votersBefore = before.voters;
  const isSame = voters.size === votersBefore.length && votersBefore.every((id) => voters.has(id));
  const next = {
    voters: [...voters].toSorted(),
    votersOutgoing: isSame ? [] : votersBefore,
    learners: [...learners].filter((id) => !votersBefore.includes(id)).toSorted(),
    // §4.3: who still counts in the old half is made a learner only when that half is gone.
    learnersNext: [...learners].filter((id) => votersBefore.includes(id)).toSorted(),
  };
  const members = [...records.values()].filter(({ id }) => isMember(next, id));
  return { ...next, members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** Names and addresses stand for one member each, those included who are on their way out. */
function clash(members: readonly Member[]): Refusal | undefined {
  for (const field of ['name', 'address'] as const) {
    const owners = new Map<string, PeerId>();
    for (const { id, [field]: value } of members) {
      if (value === '') return invalid(`${id} has no ${field}`);
      const owner = owners.get(value);
      if (owner !== undefined) return invalid(`the ${field} ${value} is ${owner}'s`);
      owners.set(value, id);
    }
  }
  return undefined;
}

function invalid(detail: string): Refusal {
  return { refused: 'invalid', detail };
}
