// Arbitrary values of everything that has bytes here, for the round-trip and fuzz tests.
import fc from 'fast-check';
import type {
  Change,
  Command,
  CommandEnvelope,
  CommandResult,
  Compare,
  GetResult,
  KeyRange,
  KeyValue,
  ScanResult,
  TxnOp,
  TxnOpResult,
} from '@raftkv/kv';
import type { Entry, Message, ProposeResponse } from '@raftkv/raft';
import type { ClientMessage, LogRecord, NodeStatus, ServerMessage } from '../src/index.ts';
import { id, maybe, travellingMeta, uint } from './arbitrary-members.ts';

const positive = uint.map((n) => Math.max(1, n));
export const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 300 }));
const byteString = (minLength: number) =>
  fc
    .oneof(fc.uint8Array({ minLength, maxLength: 24 }), fc.uint8Array({ minLength: 250, maxLength: 300 }))
    .map((units) => String.fromCharCode(...units));
export const key = byteString(1);
export const range: fc.Arbitrary<KeyRange> = fc.record({ from: byteString(0), to: maybe(byteString(0)) });
export const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 300 }));

const scanOptions = fc.record({
  limit: maybe(uint),
  reverse: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  withCount: fc.boolean(),
  maxBytes: maybe(uint),
  revision: maybe(uint),
});
const put = fc.record({ type: fc.constant('put' as const), key, value: bytes, returnPrevious: fc.boolean() });
const del = fc.record({ type: fc.constant('delete' as const), key, returnPrevious: fc.boolean() });
const deleteRange = fc.record({ type: fc.constant('deleteRange' as const), range, returnPrevious: fc.boolean() });
const get = fc.record({ type: fc.constant('get' as const), key, revision: maybe(uint) });
const scan = fc
  .tuple(range, scanOptions)
  .map(([scanned, options]) => ({ type: 'scan' as const, range: scanned, ...options }));

const compareHead = {
  key,
  range: maybe(range),
  operator: fc.constantFrom('equal', 'notEqual', 'greater', 'less'),
} as const;
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ ...compareHead, target: fc.constant('value' as const), value: bytes }),
  fc.record({ ...compareHead, target: fc.constantFrom('revision', 'createRevision', 'version'), number: uint }),
  fc.record({ ...compareHead, target: fc.constant('exists' as const), exists: fc.boolean() }),
);

const txnOf = (op: fc.Arbitrary<TxnOp>) =>
  fc.record({
    type: fc.constant('txn' as const),
    compare: fc.array(compare, { maxLength: 3 }),
    then: fc.array(op, { maxLength: 3 }),
    otherwise: fc.array(op, { maxLength: 3 }),
  });
const flatOp: fc.Arbitrary<TxnOp> = fc.oneof(put, del, deleteRange, get, scan);
const txn = txnOf(fc.oneof(flatOp, txnOf(fc.oneof(flatOp, txnOf(flatOp)))));

const command: fc.Arbitrary<Command> = fc.oneof(
  put,
  del,
  deleteRange,
  fc.record({ type: fc.constant('batch' as const), ops: fc.array(fc.oneof(put, del, deleteRange), { maxLength: 20 }) }),
  txn,
  fc.record({ type: fc.constant('compact' as const), revision: uint }),
  fc.constant({ type: 'openSession' as const }),
  fc.record({ type: fc.constantFrom('keepAlive' as const, 'closeSession' as const), clientId: positive }),
);
export const envelope: fc.Arbitrary<CommandEnvelope> = fc.record({
  session: maybe(fc.record({ clientId: positive, sequence: positive, ackFloor: uint })),
  command,
});

const entry: fc.Arbitrary<KeyValue> = fc.record({
  key,
  value: bytes,
  revision: uint,
  createRevision: uint,
  version: uint,
});
const putResult = fc.record({ type: fc.constant('put' as const), revision: uint, previous: maybe(entry) });
const deleteResult = fc.record({
  type: fc.constant('delete' as const),
  revision: uint,
  deleted: uint,
  previous: maybe(fc.array(entry, { maxLength: 4 })),
});
/** What a feed's payloads hold: keys and revisions in order. */
export const feedEntries = fc
  .uniqueArray(entry, { maxLength: 20, selector: (each) => each.key, comparator: 'IsStrictlyEqual' })
  .map((entries) => entries.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
export const feedChanges: fc.Arbitrary<Change[]> = fc
  .uniqueArray(
    fc.record({
      revision: positive,
      events: fc.array(
        fc.oneof(
          fc.record({ type: fc.constant('put' as const), entry, previous: fc.constant(undefined) }),
          fc.record({ type: fc.constant('delete' as const), key, revision: uint, previous: fc.constant(undefined) }),
        ),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 5, selector: (each) => each.revision },
  )
  .map((changes) =>
    changes
      .toSorted((a, b) => a.revision - b.revision)
      .map(({ revision, events }) => ({
        revision,
        events: events.map((event) =>
          event.type === 'put' ? { ...event, entry: { ...event.entry, revision } } : { ...event, revision },
        ),
      })),
  );
const getResult: fc.Arbitrary<GetResult> = fc.record({
  type: fc.constant('get' as const),
  revision: uint,
  entry: maybe(entry),
});
const scanResult: fc.Arbitrary<ScanResult> = fc.record({
  type: fc.constant('scan' as const),
  revision: uint,
  entries: fc.array(entry, { maxLength: 20 }),
  more: fc.boolean(),
  count: maybe(uint),
});
const txnResultOf = (result: fc.Arbitrary<TxnOpResult>) =>
  fc.record({
    type: fc.constant('txn' as const),
    revision: uint,
    succeeded: fc.boolean(),
    results: fc.array(result, { maxLength: 3 }),
  });
const flatResult: fc.Arbitrary<TxnOpResult> = fc.oneof(putResult, deleteResult, getResult, scanResult);
const result: fc.Arbitrary<CommandResult | GetResult | ScanResult> = fc.oneof(
  putResult,
  deleteResult,
  getResult,
  scanResult,
  txnResultOf(fc.oneof(flatResult, txnResultOf(flatResult))),
  fc.record({
    type: fc.constant('batch' as const),
    revision: uint,
    results: fc.array(fc.oneof(putResult, deleteResult), { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('compact' as const), revision: uint }),
  fc.record({ type: fc.constant('session' as const), clientId: positive }),
  fc.record({
    type: fc.constant('error' as const),
    code: fc.constantFrom(
      'compacted',
      'future_revision',
      'duplicate_key',
      'session_expired',
      'session_stale',
      'session_overflow',
      'invalid_argument',
    ),
    message: text,
    compactedRevision: maybe(uint),
  }),
);

const level = fc.constantFrom('linearizable' as const, 'session' as const, 'local' as const);
export const clientMessage: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), versions: fc.array(uint, { maxLength: 4 }), clusterId: maybe(id) }),
  fc.record({ type: fc.constant('write' as const), id: uint, command: bytes }),
  fc.record({ type: fc.constant('get' as const), id: uint, key, level, minRevision: uint, revision: maybe(uint) }),
  fc.record({ type: fc.constant('scan' as const), id: uint, range, level, minRevision: uint, options: scanOptions }),
  fc.record({
    type: fc.constant('watch' as const),
    id: uint,
    range,
    from: uint,
    previous: fc.boolean(),
    progress: fc.boolean(),
  }),
  fc.record({ type: fc.constant('watchConsumed' as const), id: uint, bytes: uint }),
  fc.record({ type: fc.constantFrom('cancel' as const, 'status' as const, 'ping' as const), id: uint }),
  fc.record({ type: fc.constant('observe' as const), id: uint, from: uint, ranges: fc.array(range, { maxLength: 5 }) }),
  fc.record({ type: fc.constant('admin' as const), id: uint, request: bytes }),
);

const change: fc.Arbitrary<Change> = fc.record({
  revision: uint,
  events: fc.array(
    fc.oneof(
      fc.record({ type: fc.constant('put' as const), entry, previous: maybe(entry) }),
      fc.record({ type: fc.constant('delete' as const), key, revision: uint, previous: maybe(entry) }),
    ),
    { maxLength: 4 },
  ),
});
export const address = { id, name: text, address: text };
/** Never a direct WebSocket: where all are, nothing is told of them. */
const memberLink = fc.record({
  kind: fc.constantFrom('webrtc', 'broadcast', 'of a later build'),
  path: fc.constantFrom('direct' as const, 'relayed' as const),
  roundTripMilliseconds: maybe(fc.double({ noNaN: true })),
});
const status: fc.Arbitrary<NodeStatus> = fc.record({
  clusterId: id,
  memberId: id,
  name: text,
  version: text,
  phase: fc.constantFrom('founding', 'running', 'stopped'),
  role: fc.constantFrom('follower', 'preCandidate', 'candidate', 'leader'),
  term: uint,
  leaderId: maybe(id),
  leader: maybe(text),
  commitIndex: uint,
  appliedIndex: uint,
  lastIndex: uint,
  firstIndex: uint,
  snapshotIndex: uint,
  revision: uint,
  compactedRevision: uint,
  keys: uint,
  dataBytes: uint,
  syncWrites: fc.boolean(),
  uptimeSeconds: fc.double({ noNaN: true }),
  members: fc.array(
    fc
      .tuple(
        fc.record({ ...address, isLearner: fc.boolean(), isReachable: fc.boolean(), matchIndex: maybe(uint) }),
        fc.oneof(fc.constant({}), fc.record({ kind: fc.constant('tab' as const), domain: id })),
        fc.oneof(fc.constant({}), fc.record({ link: memberLink })),
      )
      .map(([member, told, linked]) => ({ ...member, ...told, ...linked })),
    { maxLength: 6 },
  ),
});
const feed = { id: uint, isDeflated: fc.boolean(), revision: uint, index: uint, hash: maybe(id), payload: bytes };
export const errorCode = fc.constantFrom(
  'busy' as const,
  'no_leader' as const,
  'compacted' as const,
  'bad_frame' as const,
);
export const serverMessage: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    version: uint,
    clusterId: id,
    memberId: id,
    memberName: text,
    limits: fc.record({ maxFrameBytes: positive, maxCommandBytes: positive, maxInflightRequests: positive }),
    leader: maybe(text),
    members: fc.array(fc.record(address), { maxLength: 6 }),
  }),
  fc.record({ type: fc.constant('leader' as const), leader: maybe(text) }),
  fc.record({ type: fc.constant('result' as const), id: uint, result }),
  fc.record({
    type: fc.constant('error' as const),
    id: uint,
    code: errorCode,
    message: text,
    definite: fc.boolean(),
    compactedRevision: maybe(uint),
    leader: maybe(text),
  }),
  fc.record({ type: fc.constantFrom('watchCreated' as const, 'watchProgress' as const), id: uint, revision: uint }),
  fc.record({ type: fc.constant('watchEvents' as const), id: uint, changes: fc.array(change, { maxLength: 4 }) }),
  fc.record({
    type: fc.constant('watchCancelled' as const),
    id: uint,
    code: errorCode,
    message: text,
    compactedRevision: maybe(uint),
  }),
  fc.record({ type: fc.constant('statusResult' as const), id: uint, status }),
  fc.record({ type: fc.constant('pong' as const), id: uint }),
  fc.record({ type: fc.constant('feedSnapshot' as const), isFirst: fc.boolean(), isDone: fc.boolean(), ...feed }),
  fc.record({ type: fc.constant('feedChanges' as const), ...feed }),
  fc.record({ type: fc.constant('members' as const), members: fc.array(fc.record(address), { maxLength: 6 }) }),
  fc.record({ type: fc.constant('adminResult' as const), id: uint, result: bytes }),
);

export const hardState = fc.record({ term: uint, votedFor: maybe(id), commitIndex: uint });
const entriesFrom = (firstIndex: number): fc.Arbitrary<Entry[]> =>
  fc
    .array(
      fc.record({
        term: uint,
        kind: fc.constantFrom('command' as const, 'empty' as const, 'configuration' as const),
        data: bytes,
      }),
      { maxLength: 30 },
    )
    .map((list) => list.map((fields, i) => ({ index: firstIndex + i, ...fields })));
/** Low enough that a list of entries stays below 2^53. */
const logIndex = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat().map((n) => Math.min(n, Number.MAX_SAFE_INTEGER - 1000)),
);
export const logRecord: fc.Arbitrary<LogRecord> = logIndex.chain((index) =>
  fc.record({ hardState: maybe(hardState), entries: entriesFrom(index + 1) }),
);

const head = { from: id, to: id, term: uint };
export const peerMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('preVoteRequest' as const), ...head, lastIndex: uint, lastTerm: uint }),
  fc.record(
    { type: fc.constant('voteRequest' as const), ...head, lastIndex: uint, lastTerm: uint, isTransfer: fc.boolean() },
    { requiredKeys: ['type', 'from', 'to', 'term', 'lastIndex', 'lastTerm'] },
  ),
  fc.record({ type: fc.constant('timeoutNowRequest' as const), ...head }),
  fc.record({
    type: fc.constantFrom('preVoteResponse' as const, 'voteResponse' as const),
    ...head,
    granted: fc.boolean(),
  }),
  logIndex.chain((prevLogIndex) =>
    fc.record({
      type: fc.constant('appendRequest' as const),
      ...head,
      prevLogIndex: fc.constant(prevLogIndex),
      prevLogTerm: uint,
      leaderCommit: uint,
      entries: entriesFrom(prevLogIndex + 1),
    }),
  ),
  fc.record({
    type: fc.constant('appendResponse' as const),
    ...head,
    success: fc.boolean(),
    matchIndex: uint,
    rejectedIndex: uint,
    conflictIndex: uint,
    conflictTerm: uint,
  }),
  fc.record(
    {
      type: fc.constant('heartbeatRequest' as const),
      ...head,
      commitIndex: uint,
      readToken: uint,
      topPriority: uint,
    },
    { requiredKeys: ['type', 'from', 'to', 'term', 'commitIndex', 'readToken'] },
  ),
  fc.record(
    { type: fc.constant('heartbeatResponse' as const), ...head, readToken: uint, priority: uint, promisedTicks: uint },
    { requiredKeys: ['type', 'from', 'to', 'term', 'readToken'] },
  ),
  fc.record({
    type: fc.constant('installSnapshotRequest' as const),
    ...head,
    meta: travellingMeta,
    offset: uint,
    data: bytes,
    done: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('installSnapshotResponse' as const),
    ...head,
    lastIncludedIndex: uint,
    offset: uint,
    done: fc.boolean(),
    failed: fc.boolean(),
  }),
  fc.record({ type: fc.constant('readIndexRequest' as const), ...head, requestId: uint }),
  fc.record({ type: fc.constant('readIndexResponse' as const), ...head, requestId: uint, index: maybe(uint) }),
  fc.record({
    type: fc.constant('proposeRequest' as const),
    ...head,
    requestId: uint,
    proposals: fc.array(bytes, { maxLength: 10 }),
  }),
  fc.record({
    type: fc.constant('proposeResponse' as const),
    ...head,
    requestId: uint,
    accepted: uint,
    firstIndex: uint,
    entryTerm: uint,
    reason: maybe(
      fc.constantFrom<NonNullable<ProposeResponse['reason']>[]>(
        'no-leader',
        'busy',
        'stopped',
        'unsafe',
        'not-ready',
        'invalid',
      ),
    ),
  }),
);
