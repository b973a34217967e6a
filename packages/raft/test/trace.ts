// Messages as one readable line each, for the traces that scenario tests compare with and the simulation hashes.
import type { Configuration, Entry, Message, Ready } from '../src/index.ts';

export function describeMessage(message: Message): string {
  return `${message.from} → ${message.to} ${describeContent(message)}`;
}

/** What a Ready asks of its driver besides messages, a line each. */
export function describeReady(id: string, ready: Ready): string[] {
  const { hardState, entries, snapshot, committedEntries } = ready;
  const lines: string[] = [];
  if (hardState !== undefined || entries.length > 0) {
    const { term, votedFor = 'nobody', commitIndex } = hardState ?? {};
    const words = hardState === undefined ? '' : ` term ${term} vote ${votedFor} commit ${commitIndex}`;
    lines.push(`${id} writes${words} [${describeEntries(entries)}]`);
  }
  if (snapshot !== undefined) lines.push(`${id} restores ${snapshot.lastIncludedIndex}/${snapshot.lastIncludedTerm}`);
  if (committedEntries.length > 0) lines.push(`${id} applies [${describeEntries(committedEntries)}]`);
  for (const { context, index, term, refused } of ready.proposalResults) {
    lines.push(`${id} proposal ${context} ${refused === undefined ? `is ${index}/${term}` : `refused: ${refused}`}`);
  }
  for (const { context, index, refused } of ready.readStates) {
    lines.push(`${id} read ${context} ${refused === undefined ? `at ${index}` : `refused: ${refused}`}`);
  }
  for (const { to, meta, offset } of ready.snapshotReads) {
    lines.push(`${id} reads its snapshot ${meta.lastIncludedIndex}/${meta.lastIncludedTerm} at ${offset} for ${to}`);
  }
  for (const { meta, offset, data, done, resetLog } of ready.snapshotWrites) {
    const ending = `${done ? ' done' : ''}${resetLog ? ', resets its log' : ''}`;
    lines.push(
      `${id} writes snapshot ${meta.lastIncludedIndex}/${meta.lastIncludedTerm} bytes ${offset}+${data.length}${ending}`,
    );
  }
  return lines;
}

function describeContent(message: Message): string {
  const { term } = message;
  switch (message.type) {
    case 'preVoteRequest':
    case 'voteRequest':
      return `${message.type} term ${term} last ${message.lastIndex}/${message.lastTerm}${isTransfer(message) ? ' transfer' : ''}`;
    case 'preVoteResponse':
    case 'voteResponse':
      return `${message.type} term ${term} ${message.granted ? 'granted' : 'refused'}`;
    case 'appendRequest': {
      const { prevLogIndex, prevLogTerm, leaderCommit, entries } = message;
      return `appendRequest term ${term} prev ${prevLogIndex}/${prevLogTerm} commit ${leaderCommit} [${describeEntries(entries)}]`;
    }
    case 'appendResponse': {
      const { success, matchIndex, rejectedIndex, conflictIndex, conflictTerm } = message;
      if (success) return `appendResponse term ${term} match ${matchIndex}`;
      return `appendResponse term ${term} rejected ${rejectedIndex} try ${conflictIndex}/${conflictTerm}`;
    }
    case 'heartbeatRequest':
      return `heartbeatRequest term ${term} commit ${message.commitIndex} token ${message.readToken}`;
    case 'heartbeatResponse':
      return `heartbeatResponse term ${term} token ${message.readToken}`;
    case 'timeoutNowRequest':
      return `timeoutNowRequest term ${term}`;
    case 'installSnapshotRequest': {
      const { meta, offset, data, done } = message;
      return `installSnapshotRequest term ${term} to ${meta.lastIncludedIndex}/${meta.lastIncludedTerm} bytes ${offset}+${data.length}${done ? ' done' : ''}`;
    }
    case 'installSnapshotResponse': {
      const { lastIncludedIndex, offset, done, failed } = message;
      return `installSnapshotResponse term ${term} to ${lastIncludedIndex} wants ${offset}${done ? ' done' : ''}${failed ? ' failed' : ''}`;
    }
    case 'readIndexRequest':
      return `readIndexRequest term ${term}`;
    case 'readIndexResponse':
      return `readIndexResponse term ${term} index ${message.index ?? 'none'}`;
    case 'proposeRequest':
      return `proposeRequest term ${term} ${message.proposals.length} proposals`;
    case 'proposeResponse': {
      const { accepted, firstIndex, entryTerm, reason } = message;
      return `proposeResponse term ${term} accepted ${accepted} at ${firstIndex}/${entryTerm}${reason === undefined ? '' : ` ${reason}`}`;
    }
  }
}

function describeEntries(entries: readonly Entry[]): string {
  return entries.map(({ index, term }) => `${index}/${term}`).join(' ');
}

function isTransfer(message: Message): boolean {
  return message.type === 'voteRequest' && message.isTransfer === true;
}

/** "abc", "abc/ade" while joint (new half first), "abc+d" with a learner, "ab/abc (c)" if c then becomes one. */
export function describeConfiguration(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, learnersNext = [] } = configuration;
  const outgoing = votersOutgoing.length > 0 ? `/${shortIds(votersOutgoing)}` : '';
  const learning = learners.length > 0 ? `+${shortIds(learners)}` : '';
  return shortIds(voters) + outgoing + learning + (learnersNext.length > 0 ? ` (${shortIds(learnersNext)})` : '');
}

/** An id that was assigned is written as [ordinal:index]. */
function shortIds(ids: readonly string[]): string {
  return ids.map((id) => (id.length < 16 ? id : `[${shortId(id)}]`)).join('');
}

function shortId(id: string): string {
  const [ordinal, index] = [Number.parseInt(id.slice(0, 2), 16), Number.parseInt(id.slice(2), 16)];
  return ordinal === 0 ? `${index}` : `${index}.${ordinal}`;
}
