// The side of a tab that feeds others: who comes is asked for the secret, told where this tab itself is fed from, and served from its copy and the last of
// its feed. What it says of itself to those who look for a feeder is here too; finding and choosing is for `swarm.ts`.
import type { KeyRange } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import { FeedTail } from '../feed-tail.ts';
import type { Inflate } from '../inflate.ts';
import { Child } from './child.ts';
import type { LentCopy } from '../assembly.ts';
import type { FeederClock } from './feeder-clock.ts';
import { covers, isSameRanges } from './key-ranges.ts';
import { decodeFedMessage, encodeFeederMessage } from './peer-talk.ts';
import type { FedMessage, FeederMessage } from './peer-talk.ts';
import { drawNonce, isSame, proofOf } from './secret.ts';
import type { Upload } from './upload.ts';

export interface FeederOptions {
  readonly selfId: string;
  readonly clusterId: string;
  readonly secret: string;
  readonly clock: FeederClock;
  readonly inflate: Inflate;
  /** Tabs fed at a time; one more is refused. */
  readonly maxChildren: number;
  /** Tabs between a member and the last one; this one feeds nobody if it is that far down. */
  readonly maxDepth: number;
  readonly upload: Upload;
  readonly copy: () => LentCopy | undefined;
  /** Not now, for reasons of the page: hidden, or on a connection that costs. */
  readonly isWilling: () => boolean;
  /** Another number of children. */
  readonly onChanged: () => void;
}

/** Who came and has not said who it is: so many at a time, and for so long. */
const maxStrangers = 8;
const helloMilliseconds = 5_000;
/** What somebody hears who is not fed. */
const refusals = {
  secret: 'another secret',
  cluster: 'another cluster',
  full: 'no room',
  keys: 'keys that are not copied here',
} as const;

interface Guest {
  readonly channel: Channel;
  readonly nonce: Uint8Array;
  id: string | undefined;
  child: Child | undefined;
}

export class Feeder {
  readonly #options: FeederOptions;
  readonly #tail = new FeedTail();
  readonly #guests = new Set<Guest>();
  #ranges: readonly KeyRange[] = [];
  /** Of whoever feeds this tab, itself first; undefined while nobody does. */
  #path: readonly string[] | undefined;
  #isClosed = false;

  constructor(options: FeederOptions) {
    this.#options = options;
  }

  get children(): number {
    let children = 0;
    for (const { child } of this.#guests) if (child !== undefined) children += 1;
    return children;
  }

  get ranges(): readonly KeyRange[] {
    return this.#ranges;
  }

  /** Places that are free; 0 = others need not come. */
  get room(): number {
    const { copy, isWilling, maxChildren, maxDepth } = this.#options;
    const isAble = this.#path !== undefined && this.#path.length < maxDepth && (copy()?.revision ?? 0) > 0;
    return isAble && isWilling() && !this.#isClosed ? Math.max(0, maxChildren - this.children) : 0;
  }

  /** A feed begins, of these keys, from this revision on. */
  begin(ranges: readonly KeyRange[], from: number): void {
    this.#ranges = ranges;
    this.#tail.clear(from);
    this.pump();
  }

  /** What this tab's own copy is given. */
  push(message: FeedMessage): void {
    if (message.type === 'feedSnapshot') {
      // Whoever stands before it needs a snapshot too.
      if (message.isDone) this.#tail.clear(message.revision);
    } else if (message.revision > this.#tail.end) this.#tail.push(message);
    this.pump();
  }

  /** Who feeds this tab, up to a member; none = a member does; undefined = nobody. */
  setPath(path: readonly string[] | undefined): void {
    if (JSON.stringify(path) === JSON.stringify(this.#path)) return;
    this.#path = path;
    if (path === undefined) return;
    for (const { channel, child } of this.#guests) {
      if (child !== undefined) say(channel, { type: 'path', path: [this.#options.selfId, ...path] });
    }
  }

  accept(channel: Channel): void {
    const strangers = this.#guests.size - this.children;
    if (this.#isClosed || strangers >= maxStrangers) {
      channel.start({ onFrame: () => {}, onClose: () => {} });
      return channel.close(new RaftkvError('busy', 'too many knock'));
    }
    const guest: Guest = { channel, nonce: drawNonce(), id: undefined, child: undefined };
    this.#guests.add(guest);
    const cancelDeadline = this.#options.clock.schedule(() => {
      if (guest.id === undefined) channel.close(new RaftkvError('timeout', 'nobody said who it is'));
    }, helloMilliseconds);
    channel.start({
      onFrame: (frame) => this.#receive(guest, frame),
      onDrain: () => guest.child?.drained(),
      onClose: () => {
        cancelDeadline();
        guest.child?.close();
        this.#guests.delete(guest);
        this.#options.onChanged();
      },
    });
    say(channel, { type: 'challenge', nonce: guest.nonce });
  }

  pump(): void {
    for (const { child } of this.#guests) child?.pump();
  }

  /** Lets all go: they find another one. */
  dismiss(): void {
    for (const { channel } of this.#guests) channel.close();
  }

  close(): void {
    this.#isClosed = true;
    this.dismiss();
  }

  #receive(guest: Guest, frame: Uint8Array): void {
    try {
      const message = decodeFedMessage(frame);
      if (message.type === 'hello') this.#greet(guest, message);
      else if (guest.id === undefined) throw new RaftkvError('bad_frame', 'a hello was due');
      else if (message.type === 'consumed') guest.child?.consumed(message.bytes);
      else this.#observe(guest, message);
    } catch (error) {
      guest.channel.close(RaftkvError.from(error, 'bad_frame'));
    }
  }

  #greet(guest: Guest, hello: Extract<FedMessage, { readonly type: 'hello' }>): void {
    const { selfId, clusterId, secret } = this.#options;
    if (guest.id !== undefined) throw new RaftkvError('bad_frame', 'a second hello');
    const meeting = {
      clusterId: hello.clusterId,
      feederId: selfId,
      fedId: hello.id,
      feederNonce: guest.nonce,
      fedNonce: hello.nonce,
    };
    if (!isSame(hello.proof, proofOf(secret, 'fed', meeting))) return this.#refuse(guest, refusals.secret);
    if (hello.clusterId !== clusterId) return this.#refuse(guest, refusals.cluster);
    if (this.room === 0 || this.#path === undefined) return this.#refuse(guest, refusals.full);
    guest.id = hello.id;
    guest.child = this.#createChild(guest.channel);
    say(guest.channel, {
      type: 'welcome',
      proof: proofOf(secret, 'feeder', meeting),
      path: [selfId, ...this.#path],
    });
    this.#options.onChanged();
  }

  #createChild(channel: Channel): Child {
    const { copy, upload, inflate, clock } = this.#options;
    return new Child({
      copy,
      tail: this.#tail,
      upload,
      inflate,
      clock,
      send: (piece) => say(channel, piece),
      onFailed: (error) => channel.close(RaftkvError.from(error)),
    });
  }

  #observe(guest: Guest, { round, from, ranges }: Extract<FedMessage, { readonly type: 'observe' }>): void {
    if (!covers(this.#ranges, ranges)) return this.#refuse(guest, refusals.keys);
    guest.child?.observe({ round, from, ranges, isPart: !isSameRanges(this.#ranges, ranges) });
  }

  #refuse({ channel }: Guest, reason: string): void {
    say(channel, { type: 'refused', reason });
    channel.close(new RaftkvError('busy', reason));
  }
}

function say(channel: Channel, message: FeederMessage): boolean {
  return channel.send(encodeFeederMessage(message));
}
