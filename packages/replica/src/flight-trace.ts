// Inputs and Readys as one readable line each, for people who look at a flight recording. Nothing is decided by these words.
import type { Entry, Input, Message, Ready } from '@raftkv/raft';

export function describeInput(input: Input): string {
  switch (input.type) {
    case 'receive':
      return `from ${describeMessage(input.message, input.message.from)}`;
    case 'propose':
      return `propose #${input.context} (${input.data.length} bytes)`;
    default:
      return describeFields(input.type, input);
  }
}

export function describeReady(ready: Ready): string {
  const { hardState, entries, committedEntries, snapshot, softState } = ready;
  const parts = [`Ready ${ready.number}`];
  if (softState !== undefined) {
    parts.push(`${softState.role} of term ${softState.term}, leader ${softState.leaderId ?? 'none'}`);
  }
  if (hardState !== undefined) {
    parts.push(`term ${hardState.term} vote ${hardState.votedFor ?? 'none'} commit ${hardState.commitIndex}`);
  }
  if (entries.length > 0) parts.push(`write ${describeEntries(entries)}`);
  if (snapshot !== undefined) parts.push(`install ${snapshot.lastIncludedIndex}`);
  if (committedEntries.length > 0) parts.push(`apply ${describeEntries(committedEntries)}`);
  for (const message of ready.messages) parts.push(`to ${describeMessage(message, message.to)}`);
  for (const name of ['readStates', 'proposalResults', 'snapshotReads', 'snapshotWrites'] as const) {
    if (ready[name].length > 0) parts.push(`${ready[name].length} ${name}`);
  }
  return parts.join('; ');
}

function describeMessage(message: Message, peer: string): string {
  const { from: _, to: __, type, ...fields } = message;
  return describeFields(`${peer}: ${type}`, fields);
}

function describeFields(name: string, fields: object): string {
  const words = [name];
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'type' || value === undefined || value === '') continue;
    if (key === 'entries') words.push(describeEntries(value as Entry[]));
    else if (Array.isArray(value)) words.push(`${value.length} ${key}`);
    else if (value instanceof Uint8Array) words.push(`${key} ${value.length} bytes`);
    else words.push(`${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  }
  return words.join(' ');
}

function describeEntries(entries: readonly Entry[]): string {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return 'no entries';
  return first === last ? `${first.index}/${first.term}` : `${first.index}/${first.term}…${last.index}/${last.term}`;
}
