// The layout of members' addresses and of a node's status.
import type { MemberAddress, NodeStatus } from './client.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const phases: readonly NodeStatus['phase'][] = ['founding', 'running', 'stopped'];
const roles: readonly NodeStatus['role'][] = ['follower', 'preCandidate', 'candidate', 'leader'];
const statusElements = 21;
const memberElements = 6;

export function writeMembers(writer: Writer, members: readonly MemberAddress[]): void {
  writer.array(members.length * 3);
  for (const member of members) writeAddress(writer, member);
}

export function readMembers(reader: Reader): MemberAddress[] {
  const count = reader.array();
  if (count % 3 !== 0) reader.fail('a member has three elements');
  const members: MemberAddress[] = [];
  for (let left = count; left > 0; left -= 3) members.push(readAddress(reader));
  return members;
}

function writeAddress(writer: Writer, member: MemberAddress): void {
  writer.text(member.id);
  writer.text(member.name);
  writer.text(member.address);
}

function readAddress(reader: Reader): MemberAddress {
  const id = reader.text();
  const name = reader.text();
  return { id, name, address: reader.text() };
}

export function writeStatus(writer: Writer, status: NodeStatus): void {
  writer.array(statusElements);
  writer.text(status.clusterId);
  writer.text(status.memberId);
  writer.text(status.name);
  writer.text(status.version);
  writer.uint(phases.indexOf(status.phase));
  writer.uint(roles.indexOf(status.role));
  writer.uint(status.term);
  writer.optionalText(status.leaderId);
  writer.optionalText(status.leader);
  writer.uint(status.commitIndex);
  writer.uint(status.appliedIndex);
  writer.uint(status.lastIndex);
  writer.uint(status.firstIndex);
  writer.uint(status.snapshotIndex);
  writer.uint(status.revision);
  writer.uint(status.compactedRevision);
  writer.uint(status.keys);
  writer.uint(status.dataBytes);
  writer.bool(status.syncWrites);
  writer.float(status.uptimeSeconds);
  writeStatusMembers(writer, status.members);
}

export function readStatus(reader: Reader): NodeStatus {
  reader.tuple(statusElements);
  return {
    clusterId: reader.text(),
    memberId: reader.text(),
    name: reader.text(),
    version: reader.text(),
    phase: phases[reader.small(phases.length - 1)]!,
    role: roles[reader.small(roles.length - 1)]!,
    term: reader.uint(),
    leaderId: reader.optionalText(),
    leader: reader.optionalText(),
    commitIndex: reader.uint(),
    appliedIndex: reader.uint(),
    lastIndex: reader.uint(),
    firstIndex: reader.uint(),
    snapshotIndex: reader.uint(),
    revision: reader.uint(),
    compactedRevision: reader.uint(),
    keys: reader.uint(),
    dataBytes: reader.uint(),
    syncWrites: reader.bool(),
    uptimeSeconds: reader.float(),
    members: readStatusMembers(reader),
  };
}

function writeStatusMembers(writer: Writer, members: NodeStatus['members']): void {
  writer.array(members.length * memberElements);
  for (const member of members) {
    writeAddress(writer, member);
    writer.bool(member.isLearner);
    writer.bool(member.isReachable);
    writer.optionalUint(member.matchIndex);
  }
}

function readStatusMembers(reader: Reader): NodeStatus['members'] {
  const count = reader.array();
  if (count % memberElements !== 0) reader.fail(`a member has ${memberElements} elements`);
  const members: NodeStatus['members'][number][] = [];
  for (let left = count; left > 0; left -= memberElements) {
    const { id, name, address } = readAddress(reader);
    const isLearner = reader.bool();
    const isReachable = reader.bool();
    members.push({ id, name, address, isLearner, isReachable, matchIndex: reader.optionalUint() });
  }
  return members;
}
