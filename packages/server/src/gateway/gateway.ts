// The etcd v3 JSON gateway over a KvNode: a path and a body's text in, a status and a body's text out. Universal: HTTP is
// the business of `node/`, which calls this for every POST below /v3 and opens a WatchStream for /v3/watch.
import type { Command, CommandResult } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { AdminRequest, AdminResult } from '@raftkv/wire';
import type { OperationName, OperationResult } from '../metrics.ts';
import type { KvNode } from '../node-api.ts';
import { formatMembers, formatStatus } from './cluster.ts';
import { withDeadline } from './deadline.ts';
import { asMessage } from './fields.ts';
import { HeaderWriter, objectOf } from './format.ts';
import { parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { formatChange, memberRefusal, memberRequests } from './members.ts';
import { formatRange, readRange, scanOptions } from './range.ts';
import type { RangeRequest } from './range.ts';
import { invalid, refusalOf, refusalOfResult, refusals } from './refusal.ts';
import { eachPut, formatTxn, readTxn, txnCommand } from './txn.ts';
import type { TxnRequest } from './txn.ts';
import { WatchStream, defaultWatchLimits } from './watch.ts';
import type { WatchLimits, WatchSink } from './watch.ts';
import { formatDelete, formatPut, readCompaction, readDelete, readPut } from './write.ts';
import type { PutRequest } from './write.ts';

export interface GatewayOptions {
  /** Longest wait for an answer; then 503, `request timed out`. Default 5,000. */
  readonly requestTimeoutMilliseconds?: number;
  /** Most bytes of keys and values in one range's answer; a larger one is refused with the advice to use `limit`. Default 32 MiB. */
  readonly maxAnswerBytes?: number;
  readonly watch?: Partial<WatchLimits>;
  /** Asks the leader, at this address, what only it can do: changes of members. Default: they are refused where this member does not lead. */
  readonly askLeader?: (address: string, request: AdminRequest) => Promise<AdminResult>;
}

export interface GatewayReply {
  readonly httpStatus: number;
  /** JSON. */
  readonly body: string;
  /** For the metrics. */
  readonly operation: OperationName;
  readonly result: OperationResult;
}

interface Route {
  /** Not for web pages. */
  readonly isForOperators?: boolean;
  readonly operation: OperationName | ((message: JsonObject) => OperationName);
  readonly answer: (message: JsonObject) => Promise<string> | string;
}

/** Attempts to write a value again that others keep changing, before giving up as timed out. */
const maxRewriteAttempts = 16;

/**
 * Answers etcd's requests from one member.
 *
 * @example
 * ```ts
 * const gateway = new Gateway(node)
 * const reply = await gateway.handle('/v3/kv/put', '{"key":"YQ==","value":"MQ=="}')
 * // { httpStatus: 200, body: '{"header":{…}}', … }
 * ```
 */
export class Gateway {
  readonly #node: KvNode;
  readonly #options: GatewayOptions;
  readonly #header: HeaderWriter;
  readonly #requestTimeoutMilliseconds: number;
  readonly #maxAnswerBytes: number;
  readonly #watchLimits: WatchLimits;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(node: KvNode, options: GatewayOptions = {}) {
    this.#node = node;
    this.#options = options;
    this.#header = new HeaderWriter(node);
    this.#requestTimeoutMilliseconds = options.requestTimeoutMilliseconds ?? 5000;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? 32 * 1024 * 1024;
    this.#watchLimits = { ...defaultWatchLimits, ...options.watch };
    this.#routes = this.#makeRoutes();
  }

  /** Whether there is something to call at this path (`/v3/watch` is not among them: it is a stream). */
  has(path: string): boolean {
    return this.#routes.has(path);
  }

  /** Never rejects: every failure is a reply. The path must be one that `has` knows. `isPage`: a web page asks. */
  async handle(path: string, body: string, isPage = false): Promise<GatewayReply> {
    const route = this.#routes.get(path);
    let operation: OperationName = typeof route?.operation === 'string' ? route.operation : 'scan';
    try {
      if (route === undefined) throw refusals.unimplemented(path);
      if (route.isForOperators === true && isPage) throw refusals.notForPages();
      const message = asMessage(parseJson(body)) ?? {};
      if (typeof route.operation === 'function') operation = route.operation(message);
      const text = await route.answer(message);
      return { httpStatus: 200, body: text, operation, result: 'ok' };
    } catch (error) {
      const refusal = refusalOf(error);
      return { httpStatus: refusal.httpStatus, body: refusal.body(), operation, result: refusal.reason };
    }
  }

  /** Opens the stream behind one `/v3/watch` call. */
  openWatch(sink: WatchSink): WatchStream {
    return new WatchStream(this.#node, sink, this.#header, this.#watchLimits);
  }

  #makeRoutes(): ReadonlyMap<string, Route> {
    const routes = new Map<string, Route>([
      ['/v3/kv/put', { operation: 'put', answer: (message) => this.#put(readPut(message)) }],
      ['/v3/kv/range', { operation: rangeOperation, answer: (message) => this.#range(readRange(message)) }],
      ['/v3/kv/deleterange', { operation: 'delete', answer: (message) => this.#delete(message) }],
      ['/v3/kv/txn', { operation: 'txn', answer: (message) => this.#txn(readTxn(message)) }],
      ['/v3/kv/compaction', { operation: 'compact', answer: (message) => this.#compact(readCompaction(message)) }],
      ['/v3/maintenance/status', { operation: 'status', answer: () => formatStatus(this.#node, this.#header) }],
      ['/v3/cluster/member/list', { operation: 'status', answer: () => formatMembers(this.#node, this.#header) }],
    ]);
    for (const [path, read] of Object.entries(memberRequests)) {
      routes.set(path, {
        operation: 'members',
        isForOperators: true,
        answer: (message) => this.#changeMembers(read(message)),
      });
    }
    for (const path of unimplementedPaths) {
      routes.set(path, {
        operation: 'status',
        answer: () => {
          throw refusals.unimplemented(path);
        },
      });
    }
    return routes;
  }

  async #put(request: PutRequest): Promise<string> {
    if (request.ignoreValue) return this.#rewrite(request);
    if (request.lease !== 0n) throw refusals.leaseNotFound();
    if (request.ignoreLease) return this.#putIfPresent(request);
    const result = await this.#execute(request.op);
    if (result.type !== 'put') throw unexpectedResult(result);
    return formatPut(this.#header.piece(result.revision), result);
  }

  /** `ignore_lease`: as a put, but the key must exist. */
  async #putIfPresent(request: PutRequest): Promise<string> {
    const { op } = request;
    const compare = [{ key: op.key, operator: 'greater', target: 'version', number: 0 }] as const;
    const result = await this.#execute({ type: 'txn', compare, then: [op], otherwise: [] });
    const put = result.type === 'txn' ? result.results[0] : undefined;
    if (put?.type !== 'put') throw refusals.keyNotFound();
    return formatPut(this.#header.piece(put.revision), put);
  }

  /** `ignore_value`: the value that is there is read, and written again if it is still the same. */
  async #rewrite(request: PutRequest): Promise<string> {
    if (request.lease !== 0n) throw refusals.leaseNotFound();
    const { key, returnPrevious } = request.op;
    for (let attempt = 0; attempt < maxRewriteAttempts; attempt++) {
      const { entry } = await this.#read((signal) => this.#node.get(key, { level: 'linearizable', signal }));
      if (entry === undefined) throw refusals.keyNotFound();
      const result = await this.#execute({
        type: 'txn',
        compare: [{ key, operator: 'equal', target: 'revision', number: entry.revision }],
        then: [{ type: 'put', key, value: entry.value, returnPrevious: returnPrevious === true }],
        otherwise: [],
      });
      const put = result.type === 'txn' ? result.results[0] : undefined;
      if (put?.type === 'put') return formatPut(this.#header.piece(put.revision), put);
    }
    throw refusals.timedOut();
  }

  async #range(request: RangeRequest): Promise<string> {
    const level = request.serializable ? 'local' : 'linearizable';
    if (request.range === undefined) {
      const { key, revision } = request;
      const result = await this.#read((signal) => this.#node.get(key, { level, revision, signal }));
      const entries = result.entry === undefined ? [] : [result.entry];
      return formatRange(request, this.#header.piece(result.revision), { entries, count: entries.length });
    }
    const { range } = request;
    const options = scanOptions(request);
    const maxBytes = this.#maxAnswerBytes;
    const result = await this.#read((signal) => this.#node.scan(range, { ...options, maxBytes, level, signal }));
    const wanted = options.limit === undefined || options.limit === 0 ? Infinity : options.limit;
    if (result.more && result.entries.length < wanted) {
      throw refusals.answerTooLarge(maxBytes);
    }
    // The header shows the revision at which the range was read, not one that came since: clients watch on from there.
    const { entries, count = entries.length } = result;
    return formatRange(request, this.#header.piece(result.revision), { entries, count });
  }

  async #delete(message: JsonObject): Promise<string> {
    const result = await this.#execute(readDelete(message).op);
    if (result.type !== 'delete') throw unexpectedResult(result);
    return formatDelete(this.#header.piece(result.revision), result);
  }

  async #txn(request: TxnRequest): Promise<string> {
    eachPut(request, (put) => {
      if (put.lease !== 0n) throw refusals.leaseNotFound();
      if (put.ignoreValue || put.ignoreLease)
        throw refusals.unimplemented('ignore_value or ignore_lease in a transaction');
    });
    const result = await this.#execute(txnCommand(request));
    if (result.type !== 'txn') throw unexpectedResult(result);
    return formatTxn(request, result, this.#header.piece(result.revision));
  }

  async #compact(revision: number): Promise<string> {
    if (revision < 1) throw refusals.compacted();
    const result = await this.#execute({ type: 'compact', revision });
    if (result.type !== 'compact') throw unexpectedResult(result);
    return objectOf(this.#header.piece(result.revision));
  }

  async #changeMembers(request: AdminRequest): Promise<string> {
    try {
      const result = await this.#askLeader(request);
      return formatChange(request.type, this.#header.piece(0), result);
    } catch (error) {
      throw memberRefusal(request.type, error);
    }
  }

  /** Here if this is the leader, else there. */
  async #askLeader(request: AdminRequest): Promise<AdminResult> {
    try {
      return await this.#node.admin(request);
    } catch (error) {
      const { code, leader } = RaftkvError.from(error);
      if (code !== 'no_leader' || leader === undefined || this.#options.askLeader === undefined) throw error;
      return this.#options.askLeader(leader, request);
    }
  }

  /** Carries a command out; an answer that is an error becomes a refusal. */
  async #execute(command: Command): Promise<CommandResult> {
    const result = await withDeadline(this.#requestTimeoutMilliseconds, () =>
      this.#node.execute({ session: undefined, command }),
    );
    if (result.type === 'error') throw refusalOfResult(result);
    return result;
  }

  #read<T>(attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(this.#requestTimeoutMilliseconds, attempt);
  }
}

/** Known to etcd's clients, and answered with 501 so that they can tell it from a wrong address. */
const unimplementedPaths: readonly string[] = [
  ...['grant', 'revoke', 'timetolive', 'keepalive', 'leases'].map((call) => `/v3/lease/${call}`),
  ...['revoke', 'timetolive', 'leases'].map((call) => `/v3/kv/lease/${call}`),
  ...['alarm', 'defragment', 'hash', 'snapshot'].map((call) => `/v3/maintenance/${call}`),
  ...['enable', 'disable', 'authenticate'].map((call) => `/v3/auth/${call}`),
  '/v3/lock/lock',
  '/v3/lock/unlock',
  ...['campaign', 'proclaim', 'leader', 'observe', 'resign'].map((call) => `/v3/election/${call}`),
];

/** A range without an end reads one key. */
function rangeOperation(message: JsonObject): OperationName {
  return (message['rangeEnd'] ?? message['range_end'] ?? '') === '' ? 'get' : 'scan';
}

function unexpectedResult(result: CommandResult): Error {
  return result.type === 'error' ? refusalOfResult(result) : invalid(`raftkv: answered with ${result.type}`);
}
