// What the tabs of a room tell each other on channels of their own: each what it is, the leader who is let in, and who goes its last word. JSON, read as what
// it is: anybody's who has the link.
import { RaftkvError, decodeConfiguration } from '@raftkv/wire';
import type { GivenVoice } from '@raftkv/server';
import { fromHex } from './hex.ts';
import { isLineage } from './room-note.ts';
import type { RoomLineage } from './room-note.ts';

/** Who votes or learns, as a member has it. */
export interface ReportedMember {
  readonly id: string;
  readonly word: string;
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly domain: string | undefined;
  /** Who votes is being changed, and it is one of those who voted before: until that is through, a majority of these is needed too (§4.3). */
  readonly votedBefore?: boolean;
}

/** Where a log ends: zeros for an empty one, and for a tab that is no member. */
export interface LogEnd {
  readonly term: number;
  readonly index: number;
}

/** What one tab is, as it says. */
export interface TabReport {
  readonly type: 'report';
  readonly domain: string;
  readonly isVisible: boolean;
  readonly forMilliseconds: number;
  readonly upMilliseconds: number;
  readonly isMobile: boolean;
  readonly isEphemeral: boolean;
  readonly isLeaving: boolean;
  /** Drawn for the member that it would become. */
  readonly storeId: string;
  /** Undefined: it knows of none yet. */
  readonly clusterId: string | undefined;
  readonly lineage: RoomLineage;
  readonly memberId: string | undefined;
  readonly isLeader: boolean;
  /** None: it is no member. */
  readonly members: readonly ReportedMember[];
  /** What an older build does not say counts as nothing, here and below. */
  readonly logEnd: LogEnd;
  /** It is about to go on alone. */
  readonly isGoingOn: boolean;
  /** To which tab it leaves that. */
  readonly yieldsTo: string | undefined;
}

export type RoomMessage =
  | TabReport
  /** From the leader: you are a member now. `configuration`: what `encodeConfiguration` made, in hexadecimal digits; that member is in it. */
  | {
      readonly type: 'admitted';
      readonly clusterId: string;
      readonly memberId: string;
      readonly configuration: string;
      readonly configurationIndex: number;
      readonly lineage: RoomLineage;
    }
  /** From a member: the one in your tab was removed, for certain. Its mesh may not tell it so: whom it knew may be other members by now, in the same tabs. */
  | { readonly type: 'removed'; readonly clusterId: string; readonly memberId: string }
  /** The last word of one that goes; a voter gives its voice away with it. */
  | { readonly type: 'farewell'; readonly voice: GivenVoice | undefined };

const version = 1;
const maxBytes = 64 * 1024;
const maxMembers = 64;

export function encodeRoomMessage(message: RoomMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version, ...message }));
}

/** Throws `bad_frame`, `unsupported_version`. */
export function decodeRoomMessage(frame: Uint8Array): RoomMessage {
  if (frame.length > maxBytes) throw new RaftkvError('frame_too_large', `${frame.length} bytes of a word about a room`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame));
  } catch (error) {
    throw new RaftkvError('bad_frame', 'what came in is no JSON', { cause: error });
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  if (fields['version'] !== version)
    throw new RaftkvError('unsupported_version', 'a word about a room of another version');
  if (fields['type'] === 'report') return parseReport(fields);
  if (fields['type'] === 'farewell') return { type: 'farewell', voice: parseVoice(fields['voice']) };
  if (fields['type'] === 'removed')
    return { type: 'removed', clusterId: text(fields, 'clusterId'), memberId: text(fields, 'memberId') };
  if (fields['type'] !== 'admitted') throw bad('type');
  return {
    type: 'admitted',
    clusterId: text(fields, 'clusterId'),
    memberId: text(fields, 'memberId'),
    configuration: configurationWith(text(fields, 'memberId'), text(fields, 'configuration', maxBytes)),
    configurationIndex: number(fields, 'configurationIndex'),
    lineage: lineage(fields),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseReport(fields: Fields): TabReport {
  const { members } = fields;
  if (!Array.isArray(members) || members.length > maxMembers) throw bad('members');
  return {
    type: 'report',
    domain: text(fields, 'domain', 64),
    isVisible: flag(fields, 'isVisible'),
    forMilliseconds: number(fields, 'forMilliseconds'),
    upMilliseconds: number(fields, 'upMilliseconds'),
    isMobile: flag(fields, 'isMobile'),
    isEphemeral: flag(fields, 'isEphemeral'),
    isLeaving: flag(fields, 'isLeaving'),
    storeId: text(fields, 'storeId', 64),
    clusterId: optionalText(fields, 'clusterId'),
    lineage: lineage(fields),
    memberId: optionalText(fields, 'memberId'),
    isLeader: flag(fields, 'isLeader'),
    members: members.map(parseMember),
    logEnd: parseLogEnd(fields['logEnd']),
    isGoingOn: fields['isGoingOn'] !== undefined && flag(fields, 'isGoingOn'),
    yieldsTo: optionalText(fields, 'yieldsTo'),
  };
}

function parseLogEnd(value: unknown): LogEnd {
  if (value === undefined) return { term: 0, index: 0 };
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  return { term: number(fields, 'term'), index: number(fields, 'index') };
}

function parseMember(value: unknown): ReportedMember {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const { role } = fields;
  if (role !== 'voter' && role !== 'learner' && role !== 'leaving') throw bad('role');
  return {
    id: text(fields, 'id', 64),
    word: text(fields, 'word', 64),
    role,
    domain: optionalText(fields, 'domain'),
    votedBefore: fields['votedBefore'] !== undefined && flag(fields, 'votedBefore'),
  };
}

function parseVoice(value: unknown): GivenVoice | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = (typeof value === 'object' ? value : {}) as Fields;
  return {
    memberId: text(fields, 'memberId', 64),
    term: number(fields, 'term'),
    lastTerm: number(fields, 'lastTerm'),
    lastIndex: number(fields, 'lastIndex'),
    committedConfigurationIndex: number(fields, 'committedConfigurationIndex'),
  };
}

function configurationWith(memberId: string, configuration: string): string {
  try {
    const { voters, learners } = decodeConfiguration(fromHex(configuration));
    if ([...voters, ...learners].includes(memberId)) return configuration;
  } catch {
    // Whatever it is, it is none.
  }
  throw bad('configuration');
}

function lineage(fields: Fields): RoomLineage {
  const { lineage: value } = fields;
  if (!isLineage(value)) throw bad('lineage');
  const { epoch, before, agreedAt } = value;
  if (agreedAt === undefined) return { epoch, before };
  return { epoch, before, agreedAt: agreedAt.map(({ index, term, revision }) => ({ index, term, revision })) };
}

function text(fields: Fields, name: string, maxCharacters = 128): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length <= maxCharacters) return value;
  throw bad(name);
}

function optionalText(fields: Fields, name: string): string | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : text(fields, name);
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw bad(name);
}

function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw bad(name);
}

function bad(name: string): RaftkvError {
  return new RaftkvError('bad_frame', `a word about a room whose ${name} makes no sense`);
}
