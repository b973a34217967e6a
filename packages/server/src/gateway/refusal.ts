// How the gateway says no: etcd's HTTP status, gRPC code and sentence for every expected failure, and the one
// place where a RaftkvError or a CommandError becomes such an answer. A refusal never leaves the gateway as a throw.
import type { CommandError } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

/** The gRPC status codes that etcd answers with. */
const grpcCode = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

const httpStatusOfGrpcCode: Readonly<Record<number, number>> = {
  1: 408,
  2: 500,
  3: 400,
  5: 404,
  7: 403,
  8: 429,
  9: 412,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
};

/** An expected failure on its way to the reply. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: number;
  /** The same failure in raftkv's words, for the metrics. */
  readonly reason: ErrorCode;

  constructor(code: number, message: string, reason: ErrorCode) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  get httpStatus(): number {
    return httpStatusOfGrpcCode[this.code] ?? 500;
  }

  /** Both names of the sentence: clients of etcd 3.4 read `error`, later ones `message`. */
  body(): string {
    const text = JSON.stringify(this.message);
    return `{"error":${text},"message":${text},"code":${this.code}}`;
  }

  /** The form that a stream ends with. */
  streamLine(): string {
    return `{"error":{"grpc_code":${this.code},"http_code":${this.httpStatus},"message":${JSON.stringify(this.message)}}}`;
  }
}

/** The caller's words are off: 400, code 3. */
export function invalid(message: string, reason: ErrorCode = 'invalid_argument'): Refusal {
  return new Refusal(grpcCode.invalidArgument, message, reason);
}

export const refusals = {
  keyMissing: (): Refusal => invalid('etcdserver: key is not provided', 'key_empty'),
  keyNotFound: (): Refusal => invalid('etcdserver: key not found', 'not_found'),
  valueProvided: (): Refusal => invalid('etcdserver: value is provided'),
  leaseProvided: (): Refusal => invalid('etcdserver: lease is provided'),
  duplicateKey: (): Refusal => invalid('etcdserver: duplicate key given in txn request', 'duplicate_key'),
  tooManyOps: (): Refusal => invalid('etcdserver: too many operations in txn request', 'batch_too_large'),
  requestTooLarge: (): Refusal => invalid('etcdserver: request is too large', 'request_too_large'),
  leaseNotFound: (): Refusal => new Refusal(grpcCode.notFound, 'etcdserver: requested lease not found', 'not_found'),
  compacted: (): Refusal =>
    new Refusal(grpcCode.outOfRange, 'etcdserver: mvcc: required revision has been compacted', 'compacted'),
  futureRevision: (): Refusal =>
    new Refusal(grpcCode.outOfRange, 'etcdserver: mvcc: required revision is a future revision', 'future_revision'),
  memberNotFound: (): Refusal => new Refusal(grpcCode.notFound, 'etcdserver: member not found', 'not_found'),
  memberNotLearner: (): Refusal =>
    new Refusal(grpcCode.failedPrecondition, 'etcdserver: can only promote a learner member', 'invalid_argument'),
  learnerNotReady: (): Refusal =>
    new Refusal(
      grpcCode.failedPrecondition,
      'etcdserver: can only promote a learner member which is in sync with leader',
      'not_caught_up',
    ),
  unhealthyCluster: (): Refusal => new Refusal(grpcCode.unavailable, 'etcdserver: unhealthy cluster', 'unsafe_change'),
  peerUrlExists: (): Refusal =>
    new Refusal(grpcCode.failedPrecondition, 'etcdserver: Peer URLs already exists', 'invalid_argument'),
  badMemberUrls: (): Refusal => invalid('etcdserver: given member URLs are invalid'),
  badTransferee: (): Refusal =>
    new Refusal(grpcCode.failedPrecondition, 'etcdserver: bad leader transferee', 'invalid_argument'),
  notForPages: (): Refusal =>
    new Refusal(grpcCode.permissionDenied, 'raftkv: a web page may list the members, not change them', 'unsupported'),
  timedOut: (): Refusal => new Refusal(grpcCode.unavailable, 'etcdserver: request timed out', 'timeout'),
  stopped: (): Refusal => new Refusal(grpcCode.unavailable, 'etcdserver: server stopped', 'closed'),
  busy: (): Refusal => new Refusal(grpcCode.resourceExhausted, 'etcdserver: too many requests', 'busy'),
  answerTooLarge: (maxBytes: number): Refusal =>
    new Refusal(
      grpcCode.resourceExhausted,
      `raftkv: the answer exceeds ${maxBytes} bytes; use limit`,
      'request_too_large',
    ),
  unimplemented: (what: string): Refusal =>
    new Refusal(grpcCode.unimplemented, `raftkv: ${what} is not implemented`, 'unsupported'),
} as const;

/** A command's refusal, decided by the state machine alike on every member. */
export function refusalOfResult(error: CommandError): Refusal {
  return refusalOfCode(error.code, error.message);
}

/** Whatever a `catch` in the gateway got. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const known = RaftkvError.from(error);
  return refusalOfCode(known.code, known.message);
}

function refusalOfCode(code: ErrorCode, message: string): Refusal {
  switch (code) {
    case 'key_empty':
      return refusals.keyMissing();
    case 'duplicate_key':
      return refusals.duplicateKey();
    case 'batch_too_large':
      return refusals.tooManyOps();
    case 'key_too_large':
    case 'value_too_large':
    case 'request_too_large':
    case 'frame_too_large':
      return refusals.requestTooLarge();
    case 'compacted':
      return refusals.compacted();
    case 'future_revision':
      return refusals.futureRevision();
    // Both are what etcd says of a quorum that cannot be had in time.
    case 'no_leader':
    case 'timeout':
    case 'connection_lost':
      return refusals.timedOut();
    case 'closed':
    case 'halted':
      return refusals.stopped();
    case 'busy':
      return refusals.busy();
    case 'unsafe_change':
      return refusals.unhealthyCluster();
    case 'not_found':
      return new Refusal(grpcCode.notFound, `raftkv: ${message}`, 'not_found');
    case 'cancelled':
      return new Refusal(grpcCode.cancelled, 'context canceled', 'cancelled');
    case 'unsupported':
      return new Refusal(grpcCode.unimplemented, `raftkv: ${message}`, 'unsupported');
    case 'invalid_argument':
    case 'bad_frame':
      return invalid(`raftkv: ${message}`);
    default:
      return new Refusal(grpcCode.internal, `raftkv: ${message}`, code);
  }
}
