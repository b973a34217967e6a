// Frames of the core's messages between members. An AppendEntries may hold hundreds of entries: their data is copied once into the
// frame and comes out as views over it. The handshake that precedes them is in `peer-control.ts`.
import type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  InstallSnapshotResponse,
  Message,
  ProposeRequest,
  ProposeResponse,
  RefusalReason,
  VoteRequest,
} from '@raftkv/raft';
import {
  configurationSizeHint,
  configurationVersion,
  entriesSizeHint,
  readEntries,
  snapshotMeta,
  snapshotMetaV1,
  snapshotMetaV2,
  writeEntries,
} from './entry.ts';
import { decodeFrame, encodeFrame, encodeFrames } from './frame.ts';
import type { Walk } from './layout.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const tags: Readonly<Record<Message['type'], number>> = {
  preVoteRequest: 1,
  preVoteResponse: 2,
  voteRequest: 3,
  voteResponse: 4,
  appendRequest: 5,
  appendResponse: 6,
  heartbeatRequest: 7,
  heartbeatResponse: 8,
  installSnapshotRequest: 9,
  installSnapshotResponse: 10,
  readIndexRequest: 11,
  readIndexResponse: 12,
  proposeRequest: 13,
  proposeResponse: 14,
  timeoutNowRequest: 15,
};
/** Elements of the message with each tag (the first four are tag, from, to, term); 0 = no such tag. */
const elements: readonly number[] = [0, 6, 5, 6, 5, 8, 9, 6, 5, 12, 8, 5, 6, 6, 9];
/** The longer forms and the tags that came with version 2. The shorter forms of the former stand in its frames too. */
const elementsOfVersion2: ReadonlyMap<number, number> = new Map([
  [tags.voteRequest, 7],
  [tags.heartbeatRequest, 7],
  [tags.heartbeatResponse, 7],
  [tags.installSnapshotRequest, 14],
  [tags.timeoutNowRequest, 4],
]);
/** The one that came with version 3: members tell what they are. */
const elementsOfVersion3: ReadonlyMap<number, number> = new Map([[tags.installSnapshotRequest, 15]]);
const metaLayouts = [snapshotMetaV1, snapshotMetaV2, snapshotMeta] as const;

/** Of a proposal that was forwarded. */
const reasons: readonly RefusalReason[] = ['no-leader', 'busy', 'stopped', 'unsafe', 'not-ready', 'invalid'];

const peerMessage = { write: writePeerMessage, read: readPeerMessage, versionOf, newestVersion: 3 };

/** The oldest version that can say it: who does without priorities, leases, transfers, members' records and tabs is understood by older members. */
function versionOf(message: Message): 1 | 2 | 3 {
  switch (message.type) {
    case 'voteRequest':
      return message.isTransfer === undefined ? 1 : 2;
    case 'heartbeatRequest':
      return message.topPriority === undefined ? 1 : 2;
    case 'heartbeatResponse':
      return message.priority === undefined && message.promisedTicks === undefined ? 1 : 2;
    case 'installSnapshotRequest':
      return configurationVersion(message.meta.configuration);
    case 'timeoutNowRequest':
      return 2;
    default:
      return 1;
  }
}

export function encodePeerFrame(messages: readonly Message[]): Uint8Array {
  return encodeFrame(messages, peerMessage, sizeHint(messages));
}

/** As few frames as possible, none above `maxFrameBytes`. Throws `frame_too_large` if one message alone is. */
export function encodePeerFrames(messages: readonly Message[], maxFrameBytes: number): Uint8Array[] {
  const capacityBytes = Math.min(sizeHint(messages), maxFrameBytes + 1);
  return encodeFrames(messages, peerMessage, { maxFrameBytes, capacityBytes });
}

/** Data are views over `bytes`. Throws `bad_frame` or `unsupported_version`. That the sender is who it says is the caller's to check. */
export function decodePeerFrame(bytes: Uint8Array): Message[] {
  return decodeFrame(bytes, peerMessage);
}

function sizeHint(messages: readonly Message[]): number {
  let bytes = 1;
  for (const message of messages) bytes += peerMessageSizeHint(message);
  return bytes;
}

/** About how many bytes a message takes in a frame, from above where ids are short. For budgets of queues. */
export function peerMessageSizeHint(message: Message): number {
  switch (message.type) {
    case 'appendRequest':
      return 128 + entriesSizeHint(message.entries);
    case 'installSnapshotRequest':
      return 256 + configurationSizeHint(message.meta.configuration) + message.data.length;
    case 'proposeRequest': {
      let bytes = 128;
      for (const proposal of message.proposals) bytes += 8 + proposal.length;
      return bytes;
    }
    default:
      return 128;
  }
}

function writePeerMessage(writer: Writer, message: Message, walk: Walk): void {
  const tag = tags[message.type];
  const version = versionOf(message);
  const isLong = version > 1;
  writer.array(elementsOf(tag, version)!);
  writer.uint(tag);
  writer.text(message.from);
  writer.text(message.to);
  writer.uint(message.term);
  switch (message.type) {
    case 'preVoteRequest':
      writer.uint(message.lastIndex);
      return writer.uint(message.lastTerm);
    case 'voteRequest':
      writer.uint(message.lastIndex);
      writer.uint(message.lastTerm);
      return message.isTransfer === undefined ? undefined : writer.bool(message.isTransfer);
    case 'timeoutNowRequest':
      return;
    case 'preVoteResponse':
    case 'voteResponse':
      return writer.bool(message.granted);
    case 'appendRequest':
      writer.uint(message.prevLogIndex);
      writer.uint(message.prevLogTerm);
      writer.uint(message.leaderCommit);
      return writeEntries(writer, message.entries, message.prevLogIndex + 1);
    case 'appendResponse':
      return writeAppendResponse(writer, message);
    case 'heartbeatRequest':
      writer.uint(message.commitIndex);
      writer.uint(message.readToken);
      return message.topPriority === undefined ? undefined : writer.uint(message.topPriority);
    case 'heartbeatResponse':
      writer.uint(message.readToken);
      if (!isLong) return;
      writer.optionalUint(message.priority);
      return writer.optionalUint(message.promisedTicks);
    case 'installSnapshotRequest':
      metaLayouts[version - 1]!.write(writer, message.meta, walk);
      writer.uint(message.offset);
      writer.bin(message.data);
      return writer.bool(message.done);
    case 'installSnapshotResponse':
      return writeInstallSnapshotResponse(writer, message);
    case 'readIndexRequest':
      return writer.uint(message.requestId);
    case 'readIndexResponse':
      writer.uint(message.requestId);
      return writer.optionalUint(message.index);
    case 'proposeRequest':
      writer.uint(message.requestId);
      writer.array(message.proposals.length);
      for (const proposal of message.proposals) writer.bin(proposal);
      return;
    case 'proposeResponse':
      return writeProposeResponse(writer, message);
  }
}

/** Undefined: this version has no form of its own. */
function elementsOf(tag: number, version: 1 | 2 | 3): number | undefined {
  if (version === 1) return elements[tag];
  return (version === 2 ? elementsOfVersion2 : elementsOfVersion3).get(tag);
}

function readPeerMessage(reader: Reader, walk: Walk): Message {
  const count = reader.array();
  const tag = reader.uint();
  const version = ([3, 2, 1] as const).find((each) => walk.version >= each && count === elementsOf(tag, each));
  if (tag === 0 || version === undefined) return reader.fail(`there is no message ${tag} with ${count} elements`);
  const isLong = version > 1;
  const from = reader.text();
  const to = reader.text();
  const term = reader.uint();
  switch (tag) {
    case tags.preVoteRequest: {
      const lastIndex = reader.uint();
      return { type: 'preVoteRequest', from, to, term, lastIndex, lastTerm: reader.uint() };
    }
    case tags.voteRequest:
      return readVoteRequest(reader, { from, to, term }, isLong);
    case tags.timeoutNowRequest:
      return { type: 'timeoutNowRequest', from, to, term };
    case tags.preVoteResponse:
      return { type: 'preVoteResponse', from, to, term, granted: reader.bool() };
    case tags.voteResponse:
      return { type: 'voteResponse', from, to, term, granted: reader.bool() };
    case tags.appendRequest:
      return readAppendRequest(reader, from, to, term);
    case tags.appendResponse:
      return readAppendResponse(reader, from, to, term);
    case tags.heartbeatRequest:
      return readHeartbeatRequest(reader, { from, to, term }, isLong);
    case tags.heartbeatResponse:
      return readHeartbeatResponse(reader, { from, to, term }, isLong);
    case tags.installSnapshotRequest:
      return {
        type: 'installSnapshotRequest',
        from,
        to,
        term,
        meta: metaLayouts[version - 1]!.read(reader, walk),
        offset: reader.uint(),
        data: reader.bin(),
        done: reader.bool(),
      };
    case tags.installSnapshotResponse:
      return readInstallSnapshotResponse(reader, from, to, term);
    case tags.readIndexRequest:
      return { type: 'readIndexRequest', from, to, term, requestId: reader.uint() };
    case tags.readIndexResponse: {
      const requestId = reader.uint();
      return { type: 'readIndexResponse', from, to, term, requestId, index: reader.optionalUint() };
    }
    case tags.proposeRequest:
      return readProposeRequest(reader, from, to, term);
    default:
      return readProposeResponse(reader, from, to, term);
  }
}

interface Head {
  readonly from: string;
  readonly to: string;
  readonly term: number;
}

function readVoteRequest(reader: Reader, head: Head, isLong: boolean): VoteRequest {
  const lastIndex = reader.uint();
  const lastTerm = reader.uint();
  const message: VoteRequest = { type: 'voteRequest', ...head, lastIndex, lastTerm };
  return isLong ? { ...message, isTransfer: reader.bool() } : message;
}

function readHeartbeatRequest(reader: Reader, head: Head, isLong: boolean): HeartbeatRequest {
  const commitIndex = reader.uint();
  const readToken = reader.uint();
  const message: HeartbeatRequest = { type: 'heartbeatRequest', ...head, commitIndex, readToken };
  return isLong ? { ...message, topPriority: reader.uint() } : message;
}

function readHeartbeatResponse(reader: Reader, head: Head, isLong: boolean): HeartbeatResponse {
  const message: HeartbeatResponse = { type: 'heartbeatResponse', ...head, readToken: reader.uint() };
  if (!isLong) return message;
  const priority = reader.optionalUint();
  const promisedTicks = reader.optionalUint();
  return {
    ...message,
    ...(priority === undefined ? {} : { priority }),
    ...(promisedTicks === undefined ? {} : { promisedTicks }),
  };
}

function readAppendRequest(reader: Reader, from: string, to: string, term: number): AppendRequest {
  const prevLogIndex = reader.uint();
  const prevLogTerm = reader.uint();
  const leaderCommit = reader.uint();
  const entries = readEntries(reader, prevLogIndex + 1);
  return { type: 'appendRequest', from, to, term, prevLogIndex, prevLogTerm, leaderCommit, entries };
}

function writeAppendResponse(writer: Writer, message: AppendResponse): void {
  writer.bool(message.success);
  writer.uint(message.matchIndex);
  writer.uint(message.rejectedIndex);
  writer.uint(message.conflictIndex);
  writer.uint(message.conflictTerm);
}

function readAppendResponse(reader: Reader, from: string, to: string, term: number): AppendResponse {
  const success = reader.bool();
  const matchIndex = reader.uint();
  const rejectedIndex = reader.uint();
  const conflictIndex = reader.uint();
  const conflictTerm = reader.uint();
  return { type: 'appendResponse', from, to, term, success, matchIndex, rejectedIndex, conflictIndex, conflictTerm };
}

function writeInstallSnapshotResponse(writer: Writer, message: InstallSnapshotResponse): void {
  writer.uint(message.lastIncludedIndex);
  writer.uint(message.offset);
  writer.bool(message.done);
  writer.bool(message.failed);
}

function readInstallSnapshotResponse(reader: Reader, from: string, to: string, term: number): InstallSnapshotResponse {
  const lastIncludedIndex = reader.uint();
  const offset = reader.uint();
  const done = reader.bool();
  return { type: 'installSnapshotResponse', from, to, term, lastIncludedIndex, offset, done, failed: reader.bool() };
}

function readProposeRequest(reader: Reader, from: string, to: string, term: number): ProposeRequest {
  const requestId = reader.uint();
  const proposals: Uint8Array[] = [];
  for (let left = reader.array(); left > 0; left -= 1) proposals.push(reader.bin());
  return { type: 'proposeRequest', from, to, term, requestId, proposals };
}

function writeProposeResponse(writer: Writer, message: ProposeResponse): void {
  writer.uint(message.requestId);
  writer.uint(message.accepted);
  writer.uint(message.firstIndex);
  writer.uint(message.entryTerm);
  writer.optionalUint(message.reason === undefined ? undefined : reasons.indexOf(message.reason));
}

function readProposeResponse(reader: Reader, from: string, to: string, term: number): ProposeResponse {
  const requestId = reader.uint();
  const accepted = reader.uint();
  const firstIndex = reader.uint();
  const entryTerm = reader.uint();
  const reason = reader.nil() ? undefined : reasons[reader.small(reasons.length - 1)]!;
  return { type: 'proposeResponse', from, to, term, requestId, accepted, firstIndex, entryTerm, reason };
}
