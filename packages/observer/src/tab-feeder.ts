// Feeds other tabs from this tab's copy, over channels, in the words that a node would use: each message that the copy took in is handed on as it
// came, and whoever is too far behind for that gets the present state in pages. It knows neither locks nor how tabs find each other.
import type { KeyRange, KeyValue } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import type { Channel } from '@raftkv/transport';
import {
  RaftkvError,
  decodeClientFrame,
  defaultLimits,
  encodeFeedEntries,
  encodeServerFrames,
  feedBytes,
} from '@raftkv/wire';
import type { ClientMessage, ServerMessage } from '@raftkv/wire';
import type { Copy } from './copy.ts';
import { FeedTail } from './feed-tail.ts';

/** What the tabs are fed from, as a `ReplicaAssembly` is; asked whenever there is something to say. */
export interface FedCopy {
  readonly observer: { readonly copy: Copy | undefined };
  /** Undefined until a node or a store has said it: then the others wait for it too. */
  readonly clusterId: string | undefined;
  /** Undefined while nothing new can come. */
  readonly leader: string | undefined;
}

/** What a tab may have unconsumed. At the limit it is sent nothing more until it says that it consumed. */
const windowBytes = 1024 * 1024;
const pageBytes = 128 * 1024;
/** A tab says something every few seconds, or once a minute when it is hidden for long: one that does not is gone. */
const silenceMilliseconds = 150_000;

export class TabFeeder {
  readonly #source: FedCopy;
  readonly #scope: string;
  readonly #now: () => number;
  /** Kept up by tabs that feed nobody as well, so that one that takes over can go on where the last one stopped. */
  readonly #tail = new FeedTail();
  readonly #sessions = new Set<TabSession>();

  /** `ranges`: those of the copy; a tab that wants others is refused. */
  constructor(source: FedCopy, ranges: readonly KeyRange[], now: () => number) {
    this.#source = source;
    this.#scope = JSON.stringify(ranges);
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Another tab is at the end of this channel. */
  accept(channel: Channel): void {
    const session = new TabSession(channel, {
      source: this.#source,
      tail: this.#tail,
      scope: this.#scope,
      now: this.#now,
      onEnd: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
  }

  /** The copy took this in, and stands where it leads to. */
  taken(message: FeedMessage): void {
    this.#tail.push(message);
    for (const session of this.#sessions) session.pump();
  }

  /** The copy is another one. */
  replaced(): void {
    this.#tail.clear(this.#source.observer.copy?.revision ?? 0);
    for (const session of this.#sessions) session.beginAnew();
  }

  /** The source may say something else. Also looks for tabs that are gone. */
  changed(): void {
    for (const session of this.#sessions) {
      if (this.#now() - session.heardAt > silenceMilliseconds) session.close(new RaftkvError('timeout', 'silent'));
      else session.tell();
    }
  }

  /** Lets all tabs go: another one feeds them now, or soon. */
  dismiss(): void {
    for (const session of this.#sessions) session.close();
  }
}

interface TabSessionContext {
  readonly source: FedCopy;
  readonly tail: FeedTail;
  readonly scope: string;
  readonly now: () => number;
  readonly onEnd: () => void;
}

class TabSession {
  readonly #channel: Channel;
  readonly #context: TabSessionContext;
  heardAt: number;
  #state: 'new' | 'greeted' | 'welcome' | 'ended' = 'new';
  #toldLeader: string | undefined;
  /** Of the feed; 0 = there is none. */
  #id = 0;
  /** Everything up to here was sent; in the middle of a snapshot, of the keys below `#next`. */
  #position = 0;
  #next: string | undefined;
  #isFirst = false;
  /** It has been told something: one that has missed nothing learns at once that it has not. */
  #isGreeted = false;
  #unconsumedBytes = 0;

  constructor(channel: Channel, context: TabSessionContext) {
    this.#channel = channel;
    this.#context = context;
    this.heardAt = context.now();
    channel.start({
      onFrame: (frame) => this.#receive(frame),
      onClose: () => this.close(),
    });
  }

  close(error?: RaftkvError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#channel.close(error);
    this.#context.onEnd();
  }

  /** The welcome, once there is something to say in it; who leads, when that is news; and what the copy has. */
  tell(): void {
    const { clusterId, leader } = this.#context.source;
    if (this.#state === 'greeted' && clusterId !== undefined) {
      this.#state = 'welcome';
      this.#toldLeader = leader;
      const { maxFrameBytes, maxCommandBytes } = defaultLimits;
      const limits = { maxFrameBytes, maxCommandBytes, maxInflightRequests: 1 };
      const self = { memberId: '0'.repeat(16), memberName: 'tab' };
      this.#send({ type: 'welcome', version: 1, clusterId, ...self, limits, leader, members: [] });
    }
    if (this.#state === 'welcome' && leader !== this.#toldLeader) {
      this.#toldLeader = leader;
      this.#send({ type: 'leader', leader });
    }
    this.pump();
  }

  /** Sends what there is, as far as the window allows. */
  pump(): void {
    while (this.#id !== 0 && this.#state === 'welcome' && this.#unconsumedBytes < windowBytes) {
      const message = this.#take();
      if (message === undefined) return;
      this.#isGreeted = true;
      this.#unconsumedBytes += feedBytes(message);
      this.#send({ ...message, id: this.#id });
    }
  }

  /** What is under way is of a copy that is no more; who has all of the new one needs nothing. */
  beginAnew(): void {
    if (this.#next !== undefined) this.#beginSnapshot();
    this.pump();
  }

  #receive(frame: Uint8Array): void {
    this.heardAt = this.#context.now();
    try {
      for (const message of decodeClientFrame(frame)) if (this.#state !== 'ended') this.#handle(message);
    } catch (error) {
      this.close(RaftkvError.from(error, 'bad_frame'));
    }
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case 'hello':
        if (this.#state === 'new') this.#state = 'greeted';
        return this.tell();
      case 'ping':
        return this.#send({ type: 'pong', id: message.id });
      case 'observe':
        return this.#observe(message);
      case 'watchConsumed':
        if (message.id !== this.#id) return;
        this.#unconsumedBytes = Math.max(0, this.#unconsumedBytes - message.bytes);
        return this.pump();
      case 'cancel':
        if (message.id === this.#id) this.#id = 0;
        return;
      default:
        throw new RaftkvError('unsupported', 'a tab feeds others and answers no requests');
    }
  }

  #observe({ id, from, ranges }: Extract<ClientMessage, { readonly type: 'observe' }>): void {
    if (JSON.stringify(ranges) !== this.#context.scope) {
      const message = 'the tab that holds this replica copies other keys; give one of them another name';
      return this.#send({ type: 'watchCancelled', id, code: 'storage_identity', message });
    }
    this.#id = id;
    this.#position = from;
    this.#next = undefined;
    this.#isGreeted = false;
    this.#unconsumedBytes = 0;
    if (from === 0) this.#beginSnapshot();
    this.pump();
  }

  #beginSnapshot(): void {
    this.#next = '';
    this.#isFirst = true;
  }

  /** What to send next. The copy may be behind what the tab has (it took over a moment ago): then nothing, until it has caught up. */
  #take(): FeedMessage | undefined {
    const { tail, source } = this.#context;
    const { copy } = source.observer;
    // What the copy shows already and the tail does not is being told at this very moment.
    if (copy === undefined || copy.revision !== tail.end) return undefined;
    const isInSnapshot = this.#next !== undefined;
    // A page shows the present, so what was sent before must be brought up to the present first.
    if (this.#position < copy.revision && !this.#isFirst) {
      const message = tail.after(this.#position);
      if (message !== undefined) {
        this.#position = message.revision;
        return isInSnapshot ? { ...message, hash: undefined } : message;
      }
      this.#beginSnapshot();
    }
    if (this.#next !== undefined) return this.#page(copy, this.#next);
    const { revision, index, hash } = copy;
    if (this.#isGreeted || this.#position !== revision) return undefined;
    return { type: 'feedChanges', id: 0, isDeflated: false, revision, index, hash, payload: new Uint8Array(0) };
  }

  #page(copy: Copy, from: string): FeedMessage {
    const entries: KeyValue[] = [];
    let bytes = 0;
    this.#next = undefined;
    copy.walk({ from, to: undefined }, (entry) => {
      if (bytes >= pageBytes) {
        this.#next = entry.key;
        return false;
      }
      entries.push(entry);
      bytes += 32 + entry.key.length + entry.value.length;
      return true;
    });
    const isFirst = this.#isFirst;
    const isDone = this.#next === undefined;
    const { revision, index } = copy;
    this.#isFirst = false;
    this.#position = revision;
    const payload = encodeFeedEntries(entries);
    const hash = isDone ? copy.hash : undefined;
    return { type: 'feedSnapshot', id: 0, isFirst, isDone, isDeflated: false, revision, index, hash, payload };
  }

  #send(message: ServerMessage): void {
    for (const frame of encodeServerFrames([message], this.#channel.maxFrameBytes)) this.#channel.send(frame);
  }
}
