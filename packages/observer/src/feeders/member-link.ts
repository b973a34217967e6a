// A channel to a member, through which everything goes as it is but for feeds: those are opened here, whoever brings them. So a replica needs to know nothing
// of feeders, and what it is told is a member's protocol, byte for byte. Questions for digests travel on the same channel.
import type { KeyRange } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import type { Channel, ChannelHandlers } from '@raftkv/transport';
import {
  RaftkvError,
  decodeClientFrame,
  decodeDigestAnswer,
  decodeServerFrame,
  encodeAdminRequest,
  encodeClientFrame,
  encodeServerFrame,
} from '@raftkv/wire';
import type { ClientMessage, DigestAnswer, DigestRequest, ServerMessage, WatchCancelled } from '@raftkv/wire';
import { FedFeed } from './fed-feed.ts';
import type { FeedHub, FeedLink } from './fed-feed.ts';

/** Ids from here on are this file's; a client counts from 1. */
const firstId = 2 ** 40;
/** From this version on a member knows messages that carry questions as bytes. */
const digestVersion = 2;

interface Question {
  readonly resolve: (answer: DigestAnswer) => void;
  readonly reject: (error: RaftkvError) => void;
}

export class MemberLink implements Channel, FeedLink {
  readonly #channel: Channel;
  readonly #hub: FeedHub;
  readonly #questions = new Map<number, Question>();
  /** By the client's ids. */
  readonly #feeds = new Map<number, FedFeed>();
  readonly #memberFeeds = new Map<number, (message: FeedMessage | WatchCancelled) => void>();
  #handlers: ChannelHandlers | undefined;
  #nextId = firstId;
  #isVouching = false;
  clusterId = '';

  constructor(channel: Channel, hub: FeedHub) {
    this.#channel = channel;
    this.#hub = hub;
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }
  get maxFrameBytes(): number {
    return this.#channel.maxFrameBytes;
  }
  get isOpen(): boolean {
    return this.#channel.isOpen;
  }
  get remote(): string {
    return this.#channel.remote;
  }

  start(handlers: ChannelHandlers): void {
    this.#handlers = handlers;
    this.#channel.start({
      ...handlers,
      onFrame: (frame) => this.#receive(frame),
      onClose: (error) => {
        this.#end();
        handlers.onClose(error);
      },
    });
  }

  send(frame: Uint8Array): boolean {
    const messages = decodeClientFrame(frame);
    const rest = messages.filter((message) => !this.#takeFromClient(message));
    if (rest.length === messages.length) return this.#channel.send(frame);
    return rest.length === 0 ? this.#channel.isOpen : this.#channel.send(encodeClientFrame(rest));
  }

  close(error?: RaftkvError): void {
    this.#end();
    this.#channel.close(error);
  }

  ask(request: Omit<DigestRequest, 'type'>): Promise<DigestAnswer> {
    return new Promise((resolve, reject) => {
      if (!this.#channel.isOpen) return reject(new RaftkvError('connection_lost', 'the member is gone'));
      const id = this.#nextId++;
      this.#questions.set(id, { resolve, reject });
      this.#say({ type: 'admin', id, request: encodeAdminRequest({ ...request, type: 'digest' }) });
    });
  }

  observe(
    from: number,
    ranges: readonly KeyRange[],
    onMessage: (message: FeedMessage | WatchCancelled) => void,
  ): { consumed(bytes: number): void; close(): void } {
    const id = this.#nextId++;
    this.#memberFeeds.set(id, onMessage);
    this.#say({ type: 'observe', id, from, ranges });
    return {
      consumed: (bytes) => this.#say({ type: 'watchConsumed', id, bytes }),
      close: () => {
        if (this.#memberFeeds.delete(id)) this.#say({ type: 'cancel', id });
      },
    };
  }

  emit(message: FeedMessage | WatchCancelled): void {
    if (this.#channel.isOpen) this.#handlers?.onFrame(encodeServerFrame([message]));
  }

  /** Whether it is not for the member. */
  #takeFromClient(message: ClientMessage): boolean {
    switch (message.type) {
      case 'observe':
        if (!this.#isVouching) return false;
        this.#openFeed(message);
        return true;
      case 'watchConsumed': {
        const feed = this.#feeds.get(message.id);
        feed?.consumed(message.bytes);
        return feed !== undefined;
      }
      case 'cancel': {
        const feed = this.#feeds.get(message.id);
        this.#feeds.delete(message.id);
        feed?.close();
        return feed !== undefined;
      }
      default:
        return false;
    }
  }

  #openFeed(request: Extract<ClientMessage, { readonly type: 'observe' }>): void {
    const feed = new FedFeed(this.#hub, this, request);
    this.#feeds.set(request.id, feed);
    // Nothing may come back while the request is still being sent.
    queueMicrotask(() => {
      feed.run().catch((error: unknown) => {
        this.close(RaftkvError.from(error));
      });
    });
  }

  #receive(frame: Uint8Array): void {
    let messages: ServerMessage[];
    try {
      messages = decodeServerFrame(frame);
    } catch {
      // The client says what is wrong with it.
      return this.#handlers?.onFrame(frame);
    }
    const rest = messages.filter((message) => !this.#takeFromMember(message));
    if (rest.length === messages.length) this.#handlers?.onFrame(frame);
    else if (rest.length > 0) this.#handlers?.onFrame(encodeServerFrame(rest));
  }

  /** Whether it is not for the client. */
  #takeFromMember(message: ServerMessage): boolean {
    switch (message.type) {
      case 'welcome':
        this.clusterId = message.clusterId;
        this.#isVouching = message.version >= digestVersion;
        return false;
      case 'adminResult':
        return this.#answer(message.id, ({ resolve }) => resolve(decodeDigestAnswer(message.result)));
      case 'error':
        return this.#answer(message.id, ({ reject }) => reject(new RaftkvError(message.code, message.message)));
      case 'feedSnapshot':
      case 'feedChanges':
      case 'watchCancelled': {
        if (message.id < firstId) return false;
        this.#memberFeeds.get(message.id)?.(message);
        return true;
      }
      default:
        return false;
    }
  }

  #answer(id: number, settle: (question: Question) => void): boolean {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    if (question === undefined) return false;
    try {
      settle(question);
    } catch (error) {
      question.reject(RaftkvError.from(error));
    }
    return true;
  }

  #say(message: ClientMessage): void {
    if (this.#channel.isOpen) this.#channel.send(encodeClientFrame([message]));
  }

  #end(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#memberFeeds.clear();
    for (const { reject } of this.#questions.values()) reject(new RaftkvError('connection_lost', 'the member is gone'));
    this.#questions.clear();
  }
}
