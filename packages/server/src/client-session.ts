// Serves one client on one channel: hello, then requests to the node and answers back, those of one turn in one frame. What may be asked for
// at a time is limited, and reads and watches are held back while the channel is full. A client that breaks the protocol loses this channel only.
import type { Command, CommandResult } from '@raftkv/kv';
import type { Clock } from '@raftkv/replica';
import type { Channel } from '@raftkv/transport';
import { RaftkvError, decodeClientFrame, defaultLimits } from '@raftkv/wire';
import type { AdminMessage, ClientMessage, Limits } from '@raftkv/wire';
import { answerAdmin } from './client-admin.ts';
import { ClientAnswers, resultBytes } from './client-answers.ts';
import { agreeOnVersion } from './client-hello.ts';
import { ClientObservers } from './client-observers.ts';
import { ClientReads } from './client-reads.ts';
import { ClientRequests } from './client-requests.ts';
import { ClientWatches } from './client-watches.ts';
import type { Metrics, OperationName } from './metrics.ts';
import type { KvNode } from './node-api.ts';
import { systemClock } from './system-clock.ts';

/** A node may offer writes with a callback: at tens of thousands a second a promise each is felt. */
export interface ServedNode extends KvNode {
  /** As `write`; may throw at once for bytes that do not decode. `callback` is told later. Answers what kind of command it is. */
  writeWith?(
    command: Uint8Array,
    callback: (error: RaftkvError | undefined, result: CommandResult | undefined) => void,
  ): Command['type'];
}

export interface ClientSessionOptions {
  readonly limits?: Limits;
  /** Unanswered requests of this client; further ones are refused with `busy`. Default 4,096. */
  readonly maxInflightRequests?: number;
  /** Open watches of this client; further ones are cancelled with `busy`. Default 1,000. */
  readonly maxWatches?: number;
  /** Bytes of events sent and not yet consumed, for each watch; beyond it the watch rests. Default 1 MiB, 128 KiB at least: clients report in steps of 64. */
  readonly watchWindowBytes?: number;
  /** Observers of this client; further ones are cancelled with `busy`. Default 16. */
  readonly maxObservers?: number;
  /** Ranges of one observer; with more it is cancelled with `invalid_argument`. Default 64. */
  readonly maxObserverRanges?: number;
  /** Bytes sent and not yet consumed, for each observer; beyond it the feed rests. Default 1 MiB, 128 KiB at least: clients report in steps of 64. */
  readonly observerWindowBytes?: number;
  /** Bytes of a page of a scan; the rest is for the next page. Default 1 MiB. */
  readonly maxPageBytes?: number;
  /** A channel without a hello is closed after this. Default 5 s. */
  readonly helloTimeoutMilliseconds?: number;
  /** A channel without any sign of life is closed after this; clients ping every 15 s. Default 60 s. */
  readonly idleTimeoutMilliseconds?: number;
  /** An idle watch is told how far it has come this often. Default 10 s. */
  readonly progressMilliseconds?: number;
  readonly clock?: Pick<Clock, 'now' | 'schedule'>;
  /** Where operations, this connection and its watches are counted. */
  readonly metrics?: Metrics;
  /** Whether this client may change who is a member, and who leads; listing is always allowed. Default true. */
  readonly mayAdminister?: boolean;
  /** The channel ended. */
  readonly onEnd?: (error: RaftkvError | undefined) => void;
}

export interface ClientSession {
  /** Requests without an answer, and watches. */
  readonly openRequests: number;
  readonly openWatches: number;
  readonly openObservers: number;
  /** Ends it; the client hears the error. Idempotent. */
  close(error?: RaftkvError): void;
}

/** About what a status takes. */
const statusBytes = 1024;

/** What a write is counted as. */
const operationOf: Readonly<Record<Command['type'], OperationName>> = {
  put: 'put',
  delete: 'delete',
  deleteRange: 'delete',
  batch: 'batch',
  txn: 'txn',
  compact: 'compact',
  openSession: 'session',
  keepAlive: 'session',
  closeSession: 'session',
};

/**
 * Starts the channel and serves until it ends.
 *
 * @example
 * ```ts
 * const session = serveClient(channel, node, { onEnd: () => sessions.delete(session) });
 * ```
 */
export function serveClient(channel: Channel, node: ServedNode, options: ClientSessionOptions = {}): ClientSession {
  return new Session(channel, node, options);
}

class Session implements ClientSession {
  readonly #channel: Channel;
  readonly #node: ServedNode;
  readonly #options: ClientSessionOptions;
  readonly #limits: Limits;
  readonly #maxInflight: number;
  readonly #maxFrameBytes: number;
  readonly #clock: Pick<Clock, 'now' | 'schedule'>;
  readonly #answers: ClientAnswers;
  readonly #reads: ClientReads;
  readonly #watches: ClientWatches;
  readonly #observers: ClientObservers;
  readonly #requests: ClientRequests;
  #state: 'hello' | 'serving' | 'closed' = 'hello';
  #isWorkDue = false;
  #lastHeardAt: number;
  #cancelIdleTimer: () => void;
  #cancelProgressTimer: (() => void) | undefined;
  readonly #subscriptions: (() => void)[] = [];

  constructor(channel: Channel, node: ServedNode, options: ClientSessionOptions) {
    this.#channel = channel;
    this.#node = node;
    this.#options = options;
    this.#limits = options.limits ?? defaultLimits;
    this.#maxInflight = options.maxInflightRequests ?? 4_096;
    this.#clock = options.clock ?? systemClock;
    this.#requests = new ClientRequests(options.metrics, () => this.#clock.now());
    options.metrics?.addConnections('websocket', 1);
    const maxFrameBytes = Math.min(channel.maxFrameBytes, this.#limits.maxFrameBytes);
    this.#maxFrameBytes = maxFrameBytes;
    const onReady = (): void => this.#workSoon();
    this.#answers = new ClientAnswers(channel, maxFrameBytes, {
      onPush: onReady,
      onTooLarge: (message) => {
        if (message.type === 'watchEvents') this.#watches.end(message.id);
        else if ('payload' in message) this.#observers.end(message.id);
      },
      onOverflow: () => this.close(new RaftkvError('busy', `${channel.remote} does not read its answers`)),
    });
    const maxPageBytes = Math.min(options.maxPageBytes ?? 1024 * 1024, maxFrameBytes >>> 1);
    this.#reads = new ClientReads(node, this.#answers, maxPageBytes, {
      onResult: (id, result) => {
        this.#requests.end(id, 'ok');
        this.#answers.push({ type: 'result', id, result }, resultBytes(result));
      },
      onError: (id, error) => this.#fail(id, error),
      onReady,
    });
    this.#watches = new ClientWatches(node, this.#answers, {
      maxWatches: options.maxWatches ?? 1_000,
      isTaken: (id) => this.#observers.has(id),
      windowBytes: options.watchWindowBytes ?? 1024 * 1024,
      metrics: options.metrics,
      onReady,
    });
    this.#observers = new ClientObservers(node, this.#answers, {
      maxObservers: options.maxObservers ?? 16,
      maxRanges: options.maxObserverRanges ?? 64,
      windowBytes: options.observerWindowBytes ?? 1024 * 1024,
      maxFrameBytes,
      metrics: options.metrics,
      isTaken: (id) => this.#watches.has(id),
      onReady,
    });
    this.#lastHeardAt = this.#clock.now();
    this.#cancelIdleTimer = this.#clock.schedule(
      () => this.close(new RaftkvError('timeout', 'no hello came in time')),
      options.helloTimeoutMilliseconds ?? 5_000,
    );
    channel.start({
      onFrame: (frame) => this.#receive(frame),
      onClose: (error) => this.#ended(error),
      onDrain: () => {
        this.#answers.drained();
        this.#work();
      },
    });
  }

  get openRequests(): number {
    return this.#requests.count;
  }
  get openWatches(): number {
    return this.#watches.size;
  }
  get openObservers(): number {
    return this.#observers.size;
  }

  close(error?: RaftkvError): void {
    if (this.#state === 'closed') return;
    this.#answers.flushAll();
    this.#ended(error);
    this.#channel.close(error);
  }

  #ended(error: RaftkvError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelIdleTimer();
    this.#cancelProgressTimer?.();
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#options.metrics?.addConnections('websocket', -1);
    this.#watches.close();
    this.#observers.close();
    this.#reads.clear();
    this.#options.onEnd?.(error);
  }

  #receive(frame: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#lastHeardAt = this.#clock.now();
    let messages: ClientMessage[];
    try {
      messages = decodeClientFrame(frame);
    } catch (error) {
      return this.#refuse(RaftkvError.from(error, 'bad_frame'));
    }
    for (const message of messages) {
      if (this.#state === 'hello') this.#greet(message);
      else if (this.#state === 'serving') this.#handle(message, frame.length);
    }
    this.#reads.endOfFrame();
  }

  /** The client does not keep to the protocol: it is told why, and this connection ends. */
  #refuse(error: RaftkvError): void {
    this.#answers.push({ type: 'error', id: 0, code: error.code, message: error.message, definite: true });
    this.close(error);
  }

  #handle(message: ClientMessage, frameBytes: number): void {
    switch (message.type) {
      case 'write':
        if (this.#admit(message.id, 'put')) this.#write(message.id, ownBytes(message.command, frameBytes));
        return;
      case 'get':
      case 'scan':
        if (this.#admit(message.id, message.type)) this.#reads.add(message);
        return;
      case 'watch':
        this.#cancelProgressTimer ??= this.#tellProgressLater();
        return this.#watches.open(message);
      case 'watchConsumed':
        this.#observers.consumed(message.id, message.bytes);
        return this.#watches.consumed(message.id, message.bytes);
      case 'cancel':
        this.#observers.end(message.id);
        return this.#watches.end(message.id);
      case 'observe':
        return this.#observers.open(message);
      case 'admin':
        if (this.#admit(message.id, 'members')) this.#admin(message);
        return;
      case 'status':
        return this.#answers.push({ type: 'statusResult', id: message.id, status: this.#node.status() }, statusBytes);
      case 'ping':
        return this.#answers.push({ type: 'pong', id: message.id });
      case 'hello':
        return this.#refuse(new RaftkvError('bad_frame', 'a second hello'));
    }
  }

  #greet(hello: ClientMessage): void {
    if (hello.type !== 'hello') return this.#refuse(new RaftkvError('bad_frame', 'the first message must be a hello'));
    let version: number;
    try {
      version = agreeOnVersion(hello, this.#node.clusterId);
    } catch (error) {
      return this.#refuse(RaftkvError.from(error));
    }
    this.#state = 'serving';
    this.#cancelIdleTimer();
    this.#watchIdleness();
    const { clusterId, memberId, name, members, leader } = this.#node.status();
    this.#answers.push({
      type: 'welcome',
      version,
      clusterId,
      memberId,
      memberName: name,
      limits: {
        maxFrameBytes: this.#maxFrameBytes,
        maxCommandBytes: this.#limits.maxCommandBytes,
        maxInflightRequests: this.#maxInflight,
      },
      leader,
      members,
    });
    this.#subscriptions.push(
      this.#node.onLeaderChange(() => this.#answers.push({ type: 'leader', leader: this.#node.leader })),
    );
    if (version < 2) return;
    this.#subscriptions.push(
      this.#node.onMembersChange(() => this.#answers.push({ type: 'members', members: this.#node.status().members })),
    );
  }

  #watchIdleness(): void {
    const limit = this.#options.idleTimeoutMilliseconds ?? 60_000;
    this.#cancelIdleTimer = this.#clock.schedule(() => {
      const idle = this.#clock.now() - this.#lastHeardAt;
      if (idle >= limit) this.close(new RaftkvError('timeout', `nothing was heard for ${Math.round(idle)} ms`));
      else this.#watchIdleness();
    }, limit / 2);
  }

  #tellProgressLater(): () => void {
    return this.#clock.schedule(() => {
      this.#cancelProgressTimer = this.#watches.size > 0 ? this.#tellProgressLater() : undefined;
      this.#work();
      this.#watches.tellProgress();
    }, this.#options.progressMilliseconds ?? 10_000);
  }

  /** Notes the request, or refuses it. */
  #admit(id: number, operation: OperationName): boolean {
    const isTwice = this.#requests.has(id);
    if (this.#requests.count < this.#maxInflight && !isTwice) {
      this.#requests.open(id, operation, this.#lastHeardAt);
      return true;
    }
    const code = isTwice ? 'invalid_argument' : 'busy';
    const message = isTwice
      ? `request ${id} is open already`
      : `more than ${this.#maxInflight} requests are unanswered`;
    this.#answers.push({ type: 'error', id, code, message, definite: true });
    return false;
  }

  #write(id: number, command: Uint8Array): void {
    const node = this.#node;
    try {
      if (node.writeWith === undefined) {
        node.write(command).then(
          (result) => this.#written(id, result),
          (error: unknown) => this.#fail(id, error),
        );
      } else {
        const type = node.writeWith(command, (error, result) => {
          if (error === undefined) this.#written(id, result!);
          else this.#fail(id, error);
        });
        if (type !== 'put') this.#requests.name(id, operationOf[type]);
      }
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #admin({ id, request }: AdminMessage): void {
    const mayChange = this.#options.mayAdminister !== false;
    const onNamed = (operation: OperationName): void => this.#requests.name(id, operation);
    answerAdmin(this.#node, request, { mayChange, onNamed }).then(
      (result) => {
        this.#requests.end(id, 'ok');
        if (this.#state === 'serving') this.#answers.push({ type: 'adminResult', id, result });
      },
      (error: unknown) => this.#fail(id, error),
    );
  }

  #written(id: number, result: CommandResult): void {
    this.#requests.end(id, result.type === 'error' ? result.code : 'ok');
    if (this.#state === 'serving') this.#answers.push({ type: 'result', id, result }, resultBytes(result));
  }

  #fail(id: number, cause: unknown): void {
    const error = RaftkvError.from(cause);
    this.#requests.end(id, error.code);
    if (this.#state !== 'serving') return;
    const leader = error.leader ?? (error.code === 'no_leader' ? this.#node.leader : undefined);
    const { code, message, definite, compactedRevision } = error;
    this.#answers.push({ type: 'error', id, code, message, definite, compactedRevision, leader });
  }

  /** Microtasks run after the present turn's callbacks: all that they answer leaves together. */
  #workSoon(): void {
    if (this.#isWorkDue) return;
    this.#isWorkDue = true;
    queueMicrotask(() => this.#work());
  }

  #work(): void {
    this.#isWorkDue = false;
    if (this.#state === 'closed') return;
    this.#reads.answer();
    this.#watches.serve();
    this.#observers.serve();
    this.#answers.flush();
  }
}

/** A command ends up in the log and its values in the store: what is but a part of its frame is copied, so as not to keep all of that alive. */
function ownBytes(command: Uint8Array, frameBytes: number): Uint8Array {
  return command.length * 2 > frameBytes ? command : command.slice();
}
