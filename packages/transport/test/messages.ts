// Messages of the core for tests of what carries them.
import type { AppendRequest, HeartbeatRequest, InstallSnapshotRequest, PeerId, VoteRequest } from '@raftkv/raft';

export function heartbeat(from: PeerId, to: PeerId, readToken = 0): HeartbeatRequest {
  return { type: 'heartbeatRequest', from, to, term: 1, commitIndex: 0, readToken };
}

export function vote(from: PeerId, to: PeerId, term = 1): VoteRequest {
  return { type: 'voteRequest', from, to, term, lastIndex: 0, lastTerm: 0 };
}

export function append(from: PeerId, to: PeerId, dataBytes: number, prevLogIndex = 0): AppendRequest {
  const data = new Uint8Array(dataBytes).fill(prevLogIndex & 0xff);
  const entries = dataBytes === 0 ? [] : [{ index: prevLogIndex + 1, term: 1, kind: 'command' as const, data }];
  return { type: 'appendRequest', from, to, term: 1, prevLogIndex, prevLogTerm: 0, leaderCommit: 0, entries };
}

export function snapshotChunk(from: PeerId, to: PeerId, dataBytes: number): InstallSnapshotRequest {
  const configuration = { voters: [from, to].sort(), votersOutgoing: [], learners: [] };
  const meta = { lastIncludedIndex: 9, lastIncludedTerm: 1, configuration };
  const data = new Uint8Array(dataBytes).fill(3);
  return { type: 'installSnapshotRequest', from, to, term: 1, meta, offset: 0, data, done: true };
}
