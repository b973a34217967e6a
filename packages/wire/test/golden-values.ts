// One value of each kind, for the golden bytes: chosen so that every optional field and every width appears somewhere.
import type { KeyValue, TxnCommand } from '@raftkv/kv';
import type { Configuration, Message } from '@raftkv/raft';
import {
  encodeAdminRequest,
  encodeAdminResult,
  encodeClientFrame,
  encodeCommand,
  encodeDigestAnswer,
  encodeConfiguration,
  encodeFeedChanges,
  encodeFeedEntries,
  encodeHardState,
  encodeLogBatch,
  encodePeerControl,
  encodePeerFrame,
  encodeServerFrame,
  encodeSnapshotMeta,
} from '../src/index.ts';
import type {
  AdminRequest,
  AdminResult,
  ClientMessage,
  DigestRequest,
  PeerControl,
  ServerMessage,
} from '../src/index.ts';

const value = Uint8Array.from([0xde, 0xad]);
const session = { clientId: 5, sequence: 300, ackFloor: 70_000 };
const range = { from: 'a', to: 'b\0' };
const entry: KeyValue = { key: 'k\xff', value, revision: 7, createRevision: 6, version: 2 };
const configuration = { voters: ['0a', '0b'], votersOutgoing: [], learners: ['0c'] };
const joint = {
  voters: ['0a'],
  votersOutgoing: ['0a', '0b'],
  learners: ['0c'],
  learnersNext: ['0b'],
  members: [
    { id: '0a', name: 'n1', address: 'h:1', storeId: 's1' },
    { id: '0b', name: 'n2', address: 'h:2', storeId: undefined, plan: 'p' },
  ],
};
/** One member is a tab. */
const withTab = {
  ...joint,
  members: [joint.members[0]!, { ...joint.members[1]!, kind: 'tab' as const, domain: 'd0' }],
};
const addedTab: AdminRequest = {
  type: 'add',
  name: 'n',
  address: 'h:1',
  storeId: 's',
  plan: undefined,
  kind: 'tab',
  domain: 'd0',
};
const scanOptions = { limit: 10, reverse: true, keysOnly: false, countOnly: false, withCount: true, maxBytes: 0 };
const position = { lastIncludedIndex: 8, lastIncludedTerm: 2 };
const head = { from: '0a', to: '0b', term: 2 ** 40 };
const entries = [
  { index: 9, term: 3, kind: 'empty' as const, data: new Uint8Array() },
  { index: 10, term: 3, kind: 'command' as const, data: value },
];
const txn: TxnCommand = {
  type: 'txn',
  compare: [
    { key: 'k', operator: 'equal', target: 'value', value },
    { key: 'k', operator: 'greater', target: 'version', number: 1, range },
    { key: 'k', operator: 'notEqual', target: 'exists', exists: true },
  ],
  then: [
    { type: 'get', key: 'k', revision: 4 },
    { type: 'scan', range, ...scanOptions },
  ],
  otherwise: [{ type: 'txn', compare: [], then: [], otherwise: [] }],
};

const client: readonly ClientMessage[] = [
  { type: 'hello', versions: [1], clusterId: 'c0' },
  { type: 'write', id: 1, command: value },
  { type: 'get', id: 2, key: 'k', level: 'session', minRevision: 9 },
  { type: 'scan', id: 3, range, level: 'linearizable', minRevision: 0, options: scanOptions },
  { type: 'watch', id: 4, range, from: 8, previous: true, progress: true },
  { type: 'watchConsumed', id: 4, bytes: 65536 },
  { type: 'cancel', id: 4 },
  { type: 'status', id: 5 },
  { type: 'ping', id: 6 },
  { type: 'observe', id: 7, from: 300, ranges: [range, { from: 'x', to: undefined }] },
  { type: 'admin', id: 8, request: value },
];
const address = { id: '0a', name: 'é', address: 'h:1' };
const server: readonly ServerMessage[] = [
  {
    type: 'welcome',
    version: 1,
    clusterId: 'c0',
    memberId: '0a',
    memberName: 'n',
    limits: { maxFrameBytes: 4096, maxCommandBytes: 2048, maxInflightRequests: 16 },
    leader: undefined,
    members: [address],
  },
  { type: 'leader', leader: 'h:1' },
  { type: 'result', id: 1, result: { type: 'put', revision: 7, previous: entry } },
  { type: 'result', id: 2, result: { type: 'delete', revision: 7, deleted: 1, previous: [entry] } },
  { type: 'result', id: 3, result: { type: 'get', revision: 7, entry: undefined } },
  { type: 'result', id: 4, result: { type: 'scan', revision: 7, entries: [entry], more: true, count: 2 } },
  { type: 'result', id: 5, result: { type: 'batch', revision: 8, results: [{ type: 'put', revision: 8 }] } },
  {
    type: 'result',
    id: 6,
    result: { type: 'txn', revision: 8, succeeded: true, results: [{ type: 'get', revision: 8, entry }] },
  },
  { type: 'result', id: 7, result: { type: 'compact', revision: 8 } },
  { type: 'result', id: 8, result: { type: 'session', clientId: 5 } },
  { type: 'result', id: 9, result: { type: 'error', code: 'compacted', message: 'm', compactedRevision: 4 } },
  { type: 'error', id: 10, code: 'no_leader', message: 'm', definite: true, leader: 'h:1' },
  { type: 'watchCreated', id: 11, revision: 9 },
  {
    type: 'watchEvents',
    id: 11,
    changes: [
      {
        revision: 9,
        events: [
          { type: 'put', entry, previous: undefined },
          { type: 'delete', key: 'k', revision: 9, previous: entry },
        ],
      },
    ],
  },
  { type: 'watchProgress', id: 11, revision: 12 },
  { type: 'watchCancelled', id: 11, code: 'compacted', message: 'm', compactedRevision: 10 },
  {
    type: 'statusResult',
    id: 12,
    status: {
      clusterId: 'c0',
      memberId: '0a',
      name: 'n',
      version: '0.1.0',
      phase: 'running',
      role: 'leader',
      term: 3,
      leaderId: '0a',
      leader: 'h:1',
      commitIndex: 10,
      appliedIndex: 9,
      lastIndex: 11,
      firstIndex: 2,
      snapshotIndex: 1,
      revision: 8,
      compactedRevision: 3,
      keys: 5,
      dataBytes: 600,
      syncWrites: true,
      uptimeSeconds: 1.5,
      members: [{ ...address, isLearner: false, isReachable: true, matchIndex: 11 }],
    },
  },
  { type: 'pong', id: 6 },
  {
    type: 'feedSnapshot',
    id: 7,
    isFirst: true,
    isDone: true,
    isDeflated: false,
    revision: 9,
    index: 12,
    hash: '00ff00ff00ff00ff',
    payload: value,
  },
  { type: 'feedChanges', id: 7, isDeflated: true, revision: 9, index: 12, hash: undefined, payload: value },
  { type: 'members', members: [address] },
  { type: 'adminResult', id: 8, result: value },
];
const admin: readonly (AdminRequest | DigestRequest)[] = [
  { type: 'list' },
  { type: 'add', name: 'n', address: 'h:1', storeId: 's', plan: { replaces: '0a' } },
  { type: 'remove', member: 'n' },
  { type: 'promote', member: 'n' },
  { type: 'replace', member: 'n', by: 'm' },
  { type: 'update', member: 'n', name: undefined, address: 'h:2' },
  { type: 'transfer', to: undefined },
  { type: 'digest', about: 'changes', from: 300, ranges: [{ from: 'a', to: undefined }] },
];
const adminResult: AdminResult = {
  members: {
    clusterId: 'c0',
    index: 300,
    isChanging: true,
    leaderId: '0a',
    members: [
      { ...address, role: 'leaving', plan: 'stay', isReachable: true, matchIndex: 11 },
      { ...address, id: '0b', role: 'learner', plan: 'promote', isReachable: false, matchIndex: undefined },
    ],
  },
  memberId: '0b',
  configuration: value,
};
const peer: readonly Message[] = [
  { type: 'preVoteRequest', ...head, lastIndex: 1, lastTerm: 2 },
  { type: 'preVoteResponse', ...head, granted: true },
  { type: 'voteRequest', ...head, lastIndex: 1, lastTerm: 2 },
  { type: 'voteResponse', ...head, granted: false },
  { type: 'appendRequest', ...head, prevLogIndex: 8, prevLogTerm: 2, leaderCommit: 7, entries },
  {
    type: 'appendResponse',
    ...head,
    success: false,
    matchIndex: 1,
    rejectedIndex: 2,
    conflictIndex: 3,
    conflictTerm: 4,
  },
  { type: 'heartbeatRequest', ...head, commitIndex: 7, readToken: 6 },
  { type: 'heartbeatResponse', ...head, readToken: 6 },
  installing(configuration),
  { type: 'installSnapshotResponse', ...head, lastIncludedIndex: 8, offset: 302, done: true, failed: false },
  { type: 'readIndexRequest', ...head, requestId: 1 },
  { type: 'readIndexResponse', ...head, requestId: 1, index: undefined },
  { type: 'proposeRequest', ...head, requestId: 2, proposals: [value, value] },
  { type: 'proposeResponse', ...head, requestId: 2, accepted: 1, firstIndex: 11, entryTerm: 3, reason: 'busy' },
];
/** What frames between members can say since version 2. */
const peerOfVersion2: readonly Message[] = [
  { type: 'voteRequest', ...head, lastIndex: 1, lastTerm: 2, isTransfer: true },
  { type: 'heartbeatRequest', ...head, commitIndex: 7, readToken: 6, topPriority: 9 },
  { type: 'heartbeatResponse', ...head, readToken: 6, priority: 5, promisedTicks: 10 },
  { type: 'timeoutNowRequest', ...head },
];
const control: readonly PeerControl[] = [
  { type: 'hello', versions: [1], clusterId: 'c0', from: '0a', to: '0b', fromName: 'n', storeId: 's' },
  { type: 'welcome', version: 1, clusterId: 'c0', from: '0b', storeId: 't' },
  { type: 'confirm' },
  { type: 'refusal', code: 'wrong_cluster', message: 'm' },
  { type: 'ping', nonce: 1000 },
  { type: 'pong', nonce: 1000 },
];

const incarnation = { bootCount: 300, draws: ['00112233445566ff', 'aabbccddeeff0011'] };
const storeIds = new Map([
  ['0a', 's'],
  ['0b', 't'],
]);
const controlOfVersion2: readonly PeerControl[] = [
  {
    type: 'welcome',
    version: 2,
    clusterId: 'c0',
    from: '0b',
    storeId: 't',
    facts: { incarnation, founding: storeIds },
  },
  { type: 'confirm', facts: { incarnation, founding: undefined } },
  { type: 'founding', storeIds },
];

function installing(made: Configuration): Message {
  const meta = { ...position, configuration: made };
  return { type: 'installSnapshotRequest', ...head, meta, offset: 300, data: value, done: true };
}

function resultWithTab(): AdminResult {
  const members = adminResult.members.members.map((member) => ({ ...member, kind: 'tab' as const, domain: 'd0' }));
  return { ...adminResult, members: { ...adminResult.members, members } };
}

function statusWithTab(): ServerMessage {
  const found = server.find((message) => message.type === 'statusResult')!;
  const members = found.status.members.map((member) => ({ ...member, kind: 'tab' as const }));
  return { ...found, status: { ...found.status, members } };
}

function statusWithLink(): ServerMessage {
  const found = server.find((message) => message.type === 'statusResult')!;
  const link = { kind: 'webrtc', path: 'direct', roundTripMilliseconds: 1.5 } as const;
  const members = found.status.members.map((member) => ({ ...member, link }));
  return { ...found, status: { ...found.status, members } };
}

/** Each kind's name with its bytes as they are now. */
export function goldenBytes(): readonly (readonly [string, Uint8Array])[] {
  return [
    ['command put', encodeCommand({ session, command: { type: 'put', key: 'k\xff', value, returnPrevious: true } })],
    ['command delete', encodeCommand({ session: undefined, command: { type: 'delete', key: 'k' } })],
    [
      'command deleteRange',
      encodeCommand({ session: undefined, command: { type: 'deleteRange', range: { from: 'a', to: undefined } } }),
    ],
    ['command batch', encodeCommand({ session, command: { type: 'batch', ops: [{ type: 'delete', key: 'k' }] } })],
    ['command txn', encodeCommand({ session, command: txn })],
    ['command compact', encodeCommand({ session: undefined, command: { type: 'compact', revision: 2 ** 33 } })],
    ['command openSession', encodeCommand({ session: undefined, command: { type: 'openSession' } })],
    ['command keepAlive', encodeCommand({ session: undefined, command: { type: 'keepAlive', clientId: 5 } })],
    ['command closeSession', encodeCommand({ session: undefined, command: { type: 'closeSession', clientId: 5 } })],
    ...client.map((message) => [`client ${message.type}`, encodeClientFrame([message])] as const),
    ...server.map(
      (message) =>
        [
          `server ${message.type === 'result' ? `result ${message.result.type}` : message.type}`,
          encodeServerFrame([message]),
        ] as const,
    ),
    ...admin.map((request) => [`admin ${request.type}`, encodeAdminRequest(request)] as const),
    ['admin result', encodeAdminResult(adminResult)],
    [
      'digest',
      encodeDigestAnswer({ about: 'state', revision: 300, index: 301, bytes: 5, leader: 'h:1', digest: value }),
    ],
    ...peer.map((message) => [`peer ${message.type}`, encodePeerFrame([message])] as const),
    ...peerOfVersion2.map((message) => [`peer 2 ${message.type}`, encodePeerFrame([message])] as const),
    ...control.map((message) => [`handshake ${message.type}`, encodePeerControl(message)] as const),
    ...controlOfVersion2.map((message) => [`handshake 2 ${message.type}`, encodePeerControl(message)] as const),
    ['feed entries', encodeFeedEntries([entry, { ...entry, key: 'l' }])],
    [
      'feed changes',
      encodeFeedChanges([
        {
          revision: 7,
          events: [
            { type: 'put', entry, previous: entry },
            { type: 'delete', key: 'l', revision: 7, previous: entry },
          ],
        },
        { revision: 300, events: [{ type: 'delete', key: 'k', revision: 300, previous: undefined }] },
      ]),
    ],
    ['record log batch', encodeLogBatch({ hardState: { term: 3, votedFor: '0a', commitIndex: 8 }, entries })],
    ['record hard state', encodeHardState({ term: 3, votedFor: undefined, commitIndex: 8 })],
    ['record snapshot position', encodeSnapshotMeta({ ...position, configuration })],
    ['record configuration', encodeConfiguration(configuration)],
    ['record snapshot position, joint', encodeSnapshotMeta({ ...position, configuration: joint })],
    ['record configuration, joint', encodeConfiguration(joint)],
    ['peer installSnapshotRequest, joint', encodePeerFrame([installing(joint)])],
    ['record snapshot position, with a tab', encodeSnapshotMeta({ ...position, configuration: withTab })],
    ['record configuration, with a tab', encodeConfiguration(withTab)],
    ['peer installSnapshotRequest, with a tab', encodePeerFrame([installing(withTab)])],
    ['admin add, a tab', encodeAdminRequest(addedTab)],
    ['admin result, with a tab', encodeAdminResult(resultWithTab())],
    ['server statusResult, with a tab', encodeServerFrame([statusWithTab()])],
    ['server statusResult, with a link', encodeServerFrame([statusWithLink()])],
  ];
}
