// What a room tells of itself: who is there, who votes, whether it works, in numbers and in plain words. Pure: composed by `room.ts` from what it knows.
import type { RaftkvError } from '@raftkv/wire';
import type { RoomCluster } from './room-clusters.ts';
import { isMoreUpToDate } from './room-claims.ts';
import type { RoomDeparture } from './room-departure.ts';
import { describeKeeping } from './room-keeping.ts';
import type { RoomKeeping, RoomStorageStatus } from './room-keeping.ts';
import type { ReportedMember, TabReport } from './room-message.ts';
import type { RoomLineage } from './room-note.ts';
import type { RoomPeer } from './room-peers.ts';
import type { RoomTab } from './room-policy.ts';

/** One tab, or a member whose tab is not there. */
export interface RoomTabStatus {
  readonly word: string;
  readonly isSelf: boolean;
  readonly isHere: boolean;
  readonly kind: 'tab';
  /** Its browser profile. Undefined: not known. */
  readonly domain: string | undefined;
  readonly role: 'voter' | 'learner' | 'leaving' | 'observer';
  readonly isLeader: boolean;
  readonly isVisible: boolean;
  /** It keeps nothing: a new member at each start. */
  readonly isEphemeral: boolean;
  /** From this tab; undefined: there is no way, or it is this tab. */
  readonly path: 'direct' | 'relayed' | undefined;
}

export interface RoomQuorum {
  /** `works`: somebody leads. `electing`: enough are there, and nobody leads yet. `lost`: too few are there. `seeking`: nobody is known who would know. */
  readonly state: 'works' | 'electing' | 'lost' | 'seeking';
  readonly voters: number;
  readonly votersHere: number;
  readonly needed: number;
  /** Who votes is being changed: until that is through, a majority of those who voted before is needed too. Whichever has fewer to spare is what the numbers are of. */
  readonly isChanging: boolean;
  /** While it is `lost`: the tab whose log holds whatever was acknowledged and is held by any that is here. Undefined otherwise. */
  readonly knowsMost?: string | undefined;
  /** All of that for people. */
  readonly words: string;
}

export interface RoomStatus {
  readonly name: string;
  /** `away`: its page is in the browser's cache of pages that were left, or just came out of it and is on its way back. */
  readonly phase: 'open' | 'leaving' | 'away' | 'left';
  readonly clusterId: string | undefined;
  /** One more each time that the room went on without its majority. */
  readonly epoch: number;
  readonly self: RoomTabStatus;
  /** Members first, those that vote before others. */
  readonly tabs: readonly RoomTabStatus[];
  readonly quorum: RoomQuorum;
  /** What is to be known beside that: voters that fail together, that nothing is kept, and that something that was kept cannot be read. */
  readonly warnings: readonly string[];
  /** The room went on without this member, or the cluster that this tab follows: nothing of here gets there. `joinAnew` goes there. */
  readonly supersededBy: { readonly clusterId: string; readonly epoch: number } | undefined;
  /** Other clusters of this room that are there: rooms of their own, with another history. */
  readonly others: readonly { readonly clusterId: string; readonly epoch: number; readonly tabs: number }[];
  /** Why this tab is no member any more, or could not be one. */
  readonly error: RaftkvError | undefined;
  /** What becomes of what this tab keeps. */
  readonly storage: RoomStorageStatus;
  /** What stands since this tab left; undefined: it is there, or its page just went. */
  readonly departure: RoomDeparture | undefined;
}

export interface RoomFacts {
  readonly name: string;
  readonly phase: RoomStatus['phase'];
  readonly clusterId: string | undefined;
  readonly lineage: RoomLineage;
  /** This tab. */
  readonly self: RoomTab & Pick<TabReport, 'memberId' | 'isLeader' | 'logEnd'>;
  /** Of this cluster, or of none yet. */
  readonly peers: readonly RoomPeer[];
  /** As this tab or, if it is none, some member has them. */
  readonly members: readonly ReportedMember[];
  readonly clusters: readonly RoomCluster[];
  readonly successor: RoomCluster | undefined;
  readonly error: RaftkvError | undefined;
  /** What is wrong with storages that were passed over. */
  readonly setAside: readonly RaftkvError[];
  readonly departure: RoomDeparture | undefined;
  readonly keeping: RoomKeeping;
}

const order = ['voter', 'leaving', 'learner', 'observer'];

export function describeRoom(facts: RoomFacts): RoomStatus {
  const { name, phase, clusterId, lineage, clusters, successor, error, departure } = facts;
  const storage = describeKeeping(facts.keeping);
  const tabs = tabsOf(facts);
  return {
    name,
    phase,
    clusterId,
    epoch: lineage.epoch,
    self: tabs.find(({ isSelf }) => isSelf)!,
    tabs,
    quorum: quorumOf(tabs, facts),
    warnings: [...warningsOf(tabs), ...setAsideWarnings(facts), ...keepingWarnings(storage)],
    supersededBy: successor && { clusterId: successor.clusterId, epoch: successor.lineage.epoch },
    others: clusters
      .filter((cluster) => clusterId !== undefined && cluster.clusterId !== clusterId)
      .map((cluster) => ({ clusterId: cluster.clusterId, epoch: cluster.lineage.epoch, tabs: cluster.members.length })),
    error,
    storage,
    departure,
  };
}

function tabsOf({ self, peers, members }: RoomFacts): RoomTabStatus[] {
  const roleOf = (word: string): RoomTabStatus['role'] =>
    members.find((member) => member.word === word)?.role ?? 'observer';
  const { word, domain, isVisible, isEphemeral, isLeader } = self;
  const shared = { isHere: true, kind: 'tab' as const };
  const here: RoomTabStatus[] = [
    { word, ...shared, isSelf: true, domain, isVisible, isEphemeral, isLeader, role: roleOf(word), path: undefined },
    ...peers.map(({ word: other, path, report }) => ({
      word: other,
      ...shared,
      isSelf: false,
      domain: report.domain,
      isVisible: report.isVisible,
      isEphemeral: report.isEphemeral,
      isLeader: report.isLeader,
      role: roleOf(other),
      path,
    })),
  ];
  const words = new Set(here.map((tab) => tab.word));
  const away = members
    .filter((member) => !words.has(member.word))
    .map((member): RoomTabStatus => {
      const unknown = { isVisible: false, isEphemeral: false, isLeader: false, path: undefined };
      return {
        ...unknown,
        word: member.word,
        domain: member.domain,
        role: member.role,
        kind: 'tab',
        isSelf: false,
        isHere: false,
      };
    });
  return [...here, ...away].toSorted(
    (a, b) => order.indexOf(a.role) - order.indexOf(b.role) || (a.word < b.word ? -1 : 1),
  );
}

function quorumOf(tabs: readonly RoomTabStatus[], facts: RoomFacts): RoomQuorum {
  const { members, self } = facts;
  const before = new Set(members.filter(({ votedBefore }) => votedBefore === true).map(({ word }) => word));
  const { voting, here, needed } = scarcestOf(
    tabs.filter(({ role }) => role === 'voter'),
    tabs.filter(({ word }) => before.has(word)),
  );
  const isChanging = before.size > 0;
  const numbers = { voters: voting.length, votersHere: here, needed, isChanging, knowsMost: undefined };
  if (members.length === 0) {
    return {
      state: 'seeking',
      ...numbers,
      needed: 0,
      words: 'Looking for the tabs of this room: none of its members is there yet.',
    };
  }
  if (tabs.some(({ isLeader }) => isLeader))
    return { state: 'works', ...numbers, words: worksWords(here, voting.length, needed) };
  if (here >= needed) {
    return {
      state: 'electing',
      ...numbers,
      words: `${here} of ${voting.length} voters are there, and agree on who leads.`,
    };
  }
  const away = voting.filter(({ isHere }) => !isHere).map(({ word }) => word);
  const which = away.length === 1 ? `the tab ${away[0]}` : `one of the tabs ${away.join(', ')}`;
  const words =
    `Only ${here} of ${voting.length} voters ${here === 1 ? 'is' : 'are'} there, and ${needed} are needed: everything can be read, nothing can be written. ` +
    `Open ${which} again, or go on from what is here; what only the others know is not part of it then.`;
  const knowsMost = whoKnowsMost(facts);
  const isOther = knowsMost !== undefined && knowsMost !== self.word && self.memberId !== undefined;
  const advice = isOther ? ` The tab ${knowsMost} may know more than this one: go on from there.` : '';
  return { state: 'lost', ...numbers, knowsMost, words: `${words}${advice}` };
}

interface Half {
  readonly voting: readonly RoomTabStatus[];
  readonly here: number;
  readonly needed: number;
}

/** Of the halves of a configuration, the one that has fewer to spare. */
function scarcestOf(after: readonly RoomTabStatus[], before: readonly RoomTabStatus[]): Half {
  const [one, other] = [after, before].map((voting): Half => {
    const here = voting.filter(({ isHere }) => isHere).length;
    return { voting, here, needed: Math.floor(voting.length / 2) + 1 };
  }) as [Half, Half];
  return before.length > 0 && other.here - other.needed < one.here - one.needed ? other : one;
}

/** This tab, unless there is one whose log is more up to date. */
function whoKnowsMost({ self, peers }: RoomFacts): string | undefined {
  const others = peers.map(({ word, report }) => ({ word, ...report }));
  const [most] = [self, ...others]
    .filter(({ memberId }) => memberId !== undefined)
    .toSorted((a, b) => Number(isMoreUpToDate(b.logEnd, a.logEnd)) - Number(isMoreUpToDate(a.logEnd, b.logEnd)));
  return most?.word;
}

function worksWords(here: number, voters: number, needed: number): string {
  const who = `${here} of ${voters} ${voters === 1 ? 'voter is' : 'voters are'} there: the room works`;
  const spare = here - needed;
  if (spare > 0) return `${who}, and goes on if ${spare === 1 ? 'one of them fails' : `${spare} of them fail`}.`;
  if (voters === 1) return `${who} for as long as that tab is there.`;
  return `${who}. Each of them may leave in order; if one fails, nothing can be written until it is back.`;
}

function warningsOf(tabs: readonly RoomTabStatus[]): string[] {
  const voters = tabs.filter(({ role }) => role === 'voter');
  const domains = new Set(voters.map(({ domain, word }) => domain ?? word)).size;
  const warnings: string[] = [];
  if (voters.length > 1 && domains === 1) {
    warnings.push('All voters are tabs of one browser: they can all fail together.');
  } else if (voters.length > 1 && domains < voters.length) {
    warnings.push(`The ${voters.length} voters are tabs of ${domains} browsers: some of them can fail together.`);
  }
  const ephemeral = voters.filter(({ isEphemeral }) => isEphemeral).length;
  if (ephemeral > 0)
    warnings.push(`${ephemeral} of ${voters.length} voters keep nothing: what only they know ends with their tabs.`);
  return warnings;
}

function setAsideWarnings({ setAside }: RoomFacts): string[] {
  const messages = new Set(setAside.map(({ code, message }) => `${message} (${code})`));
  return [...messages].map((message) => `${message}: it is left as it is, and this tab does without.`);
}

/** Who asked for it knows. */
function keepingWarnings({ kind, why, words }: RoomStorageStatus): string[] {
  return kind === 'memory' && why !== 'asked' ? [words] : [];
}
