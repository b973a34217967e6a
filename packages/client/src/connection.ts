// One connection to one node: hello, requests out by frames, answers back by id, pings, and the end. It neither retries nor chooses;
// `cluster.ts` owns it. Watches get their messages through a sink.
import type { Channel } from '@raftkv/transport';
import { RaftkvError, decodeServerFrame, encodeClientFrames } from '@raftkv/wire';
import type { ClientMessage, ObserveRequest, ServerMessage, ServerWelcome, WatchRequest } from '@raftkv/wire';
import type { Answer, Call, Carrier } from './call.ts';
import { dialError } from './dial.ts';
import type { Settings } from './options.ts';
import { VitalSigns, tickMilliseconds } from './vital-signs.ts';

export type SinkMessage = Extract<ServerMessage, { readonly type: `watch${string}` | `feed${string}` }>;

/** What a watch or a feed hears of its present connection. */
export interface WatchSink {
  onMessage(message: SinkMessage): void;
  onLost(error: RaftkvError): void;
}

/** A watch or a feed, whose id is chosen here. */
export type WatchAsked = Omit<WatchRequest, 'id'> | Omit<ObserveRequest, 'id'>;

export interface ConnectionHandlers {
  readonly onOpen: (connection: Connection) => void;
  /** Once, before its calls fail. */
  readonly onClose: (connection: Connection, error: RaftkvError) => void;
  readonly onLeader: (connection: Connection) => void;
  readonly onAnswer: (call: Call, answer: Answer) => void;
  /** An attempt ended without an answer; `definite`: it certainly was not carried out. */
  readonly onAttemptFailed: (call: Call, error: RaftkvError, definite: boolean) => void;
  /** There is room for more calls. */
  readonly onRoom: () => void;
}

/** Of the protocol, best first. */
const versions: readonly number[] = [2, 1];
/** More than what surrounds a command in its frame. */
const messageOverheadBytes = 32;
/** A frame takes no further calls from here on; the next is made when the channel has room. So what waits in it stays far below its limit. */
const frameBytes = 256 * 1024;
/** Share of a call's time after which it is tried elsewhere, though its connection lives: the node may be cut off from the others. */
const attemptShare = 0.4;

export class Connection implements Carrier {
  readonly endpoint: string;
  /** With the members as they are now. */
  welcome: ServerWelcome | undefined;
  /** Who leads, as this node sees it. */
  leader: string | undefined;
  /** When it said so. */
  leaderToldAt = 0;
  readonly #settings: Settings;
  readonly #handlers: ConnectionHandlers;
  readonly #dialing = new AbortController();
  #channel: Channel | undefined;
  #state: 'dialing' | 'open' | 'closed' = 'dialing';
  #cancelTimer: () => void;
  #nextId = 1;
  #maxInflight: number;
  /** Unanswered, in the order of sending. */
  readonly #pending = new Map<number, Call>();
  readonly #watches = new Map<number, WatchSink>();
  #calls: Call[] = [];
  #messages: ClientMessage[] = [];
  #isFlushDue = false;
  #isChannelFull = false;
  readonly #signs: VitalSigns;

  constructor(endpoint: string, settings: Settings, handlers: ConnectionHandlers) {
    this.endpoint = endpoint;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#signs = new VitalSigns(settings.keepAliveMilliseconds);
    this.#maxInflight = settings.maxInflightRequests;
    const { connectTimeoutMilliseconds: limit, clock } = settings;
    this.#cancelTimer = clock.schedule(
      () => this.close(new RaftkvError('connect_failed', `${endpoint} did not answer in ${limit} ms`)),
      limit,
    );
    const dialled = new Promise<Channel>((resolve) => {
      resolve(settings.dial(endpoint, { signal: this.#dialing.signal }));
    });
    dialled.then(
      (channel) => this.#start(channel),
      (error: unknown) => this.close(dialError(endpoint, error)),
    );
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }
  get isDialing(): boolean {
    return this.#state === 'dialing';
  }
  get isFull(): boolean {
    return this.#pending.size >= this.#maxInflight;
  }

  /** Begins an attempt. It leaves with whatever else is sent in this turn. */
  send(call: Call): void {
    const id = this.#nextId++;
    call.request.id = id;
    call.connection = this;
    call.isSent = false;
    this.#pending.set(id, call);
    this.#calls.push(call);
    this.#flushSoon();
  }

  withdraw(call: Call): void {
    this.#pending.delete(call.request.id);
    call.connection = undefined;
  }

  /** Another node leads now, and this one has not answered its writes: they are tried there. Their sessions make that harmless. */
  handOverWrites(): void {
    const writes = [...this.#pending.values()].filter((call) => call.kind === 'write' && call.isSent);
    for (const call of writes) {
      this.withdraw(call);
      call.avoid = this;
      this.#handlers.onAttemptFailed(call, new RaftkvError('no_leader', `${this.endpoint} no longer leads`), false);
    }
  }

  /** Opens a watch or a feed. Answers its id. */
  openWatch(request: WatchAsked, sink: WatchSink): number {
    const id = this.#nextId++;
    this.#watches.set(id, sink);
    this.post({ ...request, id });
    return id;
  }

  closeWatch(id: number): void {
    if (this.#watches.delete(id)) this.post({ type: 'cancel', id });
  }

  /** Sends what is no call. */
  post(message: ClientMessage): void {
    if (this.#state !== 'open') return;
    this.#messages.push(message);
    this.#flushSoon();
  }

  close(error: RaftkvError): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#cancelTimer();
    this.#dialing.abort();
    this.#channel?.close();
    const calls = [...this.#pending.values()];
    const watches = [...this.#watches.values()];
    this.#pending.clear();
    this.#watches.clear();
    this.#calls = [];
    this.#messages = [];
    this.#handlers.onClose(this, wasOpen ? error : dialError(this.endpoint, error));
    const lost = error.code === 'closed' ? error : new RaftkvError('connection_lost', error.message, { cause: error });
    for (const call of calls) {
      call.connection = undefined;
      this.#handlers.onAttemptFailed(call, lost, !call.isSent);
    }
    for (const watch of watches) watch.onLost(lost);
  }

  #start(channel: Channel): void {
    if (this.#state === 'closed') return channel.close();
    this.#channel = channel;
    channel.start({
      onFrame: (frame) => this.#receive(frame),
      onClose: (error) =>
        this.close(error ?? new RaftkvError('connection_lost', `${this.endpoint} closed the connection`)),
      onDrain: () => {
        this.#isChannelFull = false;
        this.#flushSoon();
      },
    });
    const hello: ClientMessage = { type: 'hello', versions, clusterId: this.#settings.clusterId };
    this.#transmit([hello]);
  }

  #receive(frame: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#signs.heard(this.#settings.clock.now());
    let messages: ServerMessage[];
    try {
      messages = decodeServerFrame(frame);
    } catch (error) {
      return this.close(RaftkvError.from(error, 'bad_frame'));
    }
    for (const message of messages) this.#handle(message);
    if (this.#state === 'open') this.#handlers.onRoom();
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case 'result':
      case 'adminResult':
        return this.#answer(message.id, message.result);
      case 'statusResult':
        return this.#answer(message.id, message.status);
      case 'error': {
        const error = new RaftkvError(message.code, message.message, message);
        if (message.id === 0) return this.close(error);
        if (message.leader !== undefined) this.#learnLeader(message.leader);
        const call = this.#take(message.id);
        if (call === undefined) return;
        if (message.code === 'no_leader') call.avoid = this;
        return this.#handlers.onAttemptFailed(call, error, message.definite);
      }
      case 'watchCreated':
      case 'watchEvents':
      case 'watchProgress':
      case 'feedSnapshot':
      case 'feedChanges':
        return this.#watches.get(message.id)?.onMessage(message);
      case 'watchCancelled': {
        const sink = this.#watches.get(message.id);
        this.#watches.delete(message.id);
        return sink?.onMessage(message);
      }
      case 'leader':
        return this.#learnLeader(message.leader);
      case 'members':
        this.welcome = { ...this.welcome!, members: message.members };
        return this.#handlers.onLeader(this);
      case 'welcome':
        return this.#welcomed(message);
      case 'pong':
        return this.#signs.ponged(this.#settings.clock.now());
    }
  }

  #take(id: number): Call | undefined {
    this.#signs.answered(this.#settings.clock.now());
    const call = this.#pending.get(id);
    if (call === undefined) return undefined;
    this.#pending.delete(id);
    call.connection = undefined;
    return call;
  }

  #answer(id: number, answer: Answer): void {
    const call = this.#take(id);
    if (call !== undefined) this.#handlers.onAnswer(call, answer);
  }

  #learnLeader(leader: string | undefined): void {
    if (leader === this.leader) return;
    this.leader = leader;
    this.leaderToldAt = this.#settings.clock.now();
    if (this.#state === 'open') this.#handlers.onLeader(this);
  }

  #welcomed(welcome: ServerWelcome): void {
    if (this.#state !== 'dialing') return;
    const { clusterId, clock } = this.#settings;
    if (!versions.includes(welcome.version)) {
      return this.close(new RaftkvError('unsupported_version', `${this.endpoint} chose version ${welcome.version}`));
    }
    if (clusterId !== undefined && welcome.clusterId !== clusterId) {
      return this.close(new RaftkvError('wrong_cluster', `${this.endpoint} is of cluster ${welcome.clusterId}`));
    }
    this.#cancelTimer();
    this.welcome = welcome;
    this.leader = welcome.leader;
    this.leaderToldAt = clock.now();
    this.#maxInflight = Math.min(this.#maxInflight, welcome.limits.maxInflightRequests);
    this.#state = 'open';
    this.#signs.begin(clock.now());
    this.#cancelTimer = clock.schedule(() => this.#tick(), tickMilliseconds);
    this.#handlers.onOpen(this);
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#settings.clock.defer(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    const calls = this.#calls;
    this.#calls = [];
    let next = 0;
    while (this.#state === 'open' && !this.#isChannelFull && (next < calls.length || this.#messages.length > 0)) {
      const messages = this.#messages;
      this.#messages = [];
      next = this.#addCalls(messages, calls, next);
      if (messages.length > 0) this.#transmit(messages);
    }
    // After the end nobody waits here any more; while the channel is full, the rest goes ahead of what has come meanwhile.
    if (this.#state === 'open' && next < calls.length) this.#calls = calls.slice(next).concat(this.#calls);
  }

  /** As many calls as fit a frame, from `next` on. Answers where the next frame begins. */
  #addCalls(messages: ClientMessage[], calls: readonly Call[], next: number): number {
    const now = this.#settings.clock.now();
    const largest = this.#maxFrameBytes() - messageOverheadBytes;
    let bytes = 0;
    let i = next;
    for (; i < calls.length && bytes < frameBytes; i += 1) {
      const call = calls[i]!;
      // Withdrawn before it left, or queued twice because it was withdrawn and came back.
      if (call.connection !== this || call.isSent) continue;
      const { request } = call;
      if (request.type === 'write' && request.command.length > largest) {
        this.#refuseTooLarge(call, largest);
        continue;
      }
      call.isSent = true;
      call.onSent?.(true);
      call.sentAt = now;
      messages.push(request);
      bytes += messageOverheadBytes + (request.type === 'write' ? request.command.length : 0);
    }
    return i;
  }

  #transmit(messages: readonly ClientMessage[]): void {
    const channel = this.#channel!;
    try {
      for (const frame of encodeClientFrames(messages, this.#maxFrameBytes())) {
        if (!channel.send(frame)) this.#isChannelFull = true;
      }
    } catch (error) {
      this.close(RaftkvError.from(error));
    }
  }

  #maxFrameBytes(): number {
    return Math.min(this.#channel!.maxFrameBytes, this.welcome?.limits.maxFrameBytes ?? Infinity);
  }

  /** The node takes less than this client's own limits allow. */
  #refuseTooLarge(call: Call, largest: number): void {
    this.withdraw(call);
    const error = new RaftkvError('request_too_large', `${this.endpoint} takes commands of ${largest} bytes at most`);
    this.#handlers.onAttemptFailed(call, error, true);
  }

  #tick(): void {
    const now = this.#settings.clock.now();
    this.#cancelTimer = this.#settings.clock.schedule(() => this.#tick(), tickMilliseconds);
    const due = this.#signs.look(now, this.#channel!.bufferedBytes, this.#pending.size, this.#watches.size);
    if (due === 'end') return this.close(new RaftkvError('connection_lost', `${this.endpoint} no longer answers`));
    if (due === 'ping') this.post({ type: 'ping', id: this.#nextId++ });
    this.#giveUpLateAttempts(now);
  }

  #giveUpLateAttempts(now: number): void {
    const late: Call[] = [];
    for (const call of this.#pending.values()) {
      const patience = Math.min(call.timeoutMilliseconds, this.#settings.requestTimeoutMilliseconds);
      if (call.kind !== 'admin' && call.isSent && now - call.sentAt >= patience * attemptShare) late.push(call);
    }
    for (const call of late) {
      const error = new RaftkvError('timeout', `${this.endpoint} did not answer in time`);
      this.withdraw(call);
      call.avoid = this;
      this.#handlers.onAttemptFailed(call, error, false);
    }
    if (late.length > 0) this.#handlers.onRoom();
  }
}
