// Tabs of one cluster that feed each other, as one of them sees it: finds a feeder for its own feed, offers itself to others when it can, and tells how it
// stands. How signals travel and channels are opened is for the net that it is given; it hands a replica two options, and knows nothing else of it.
import type { Dial, Live } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import type { KeyRange } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Inflate } from '../inflate.ts';
import { platformInflate } from '../inflate.ts';
import type { CopyLender, LentCopy } from '../assembly.ts';
import { Feeder } from './feeder.ts';
import { pause, processClock } from './feeder-clock.ts';
import type { FeederClock } from './feeder-clock.ts';
import type { FeedHub } from './fed-feed.ts';
import { MemberLink } from './member-link.ts';
import { choose, isFit, readOffer, writeOffer } from './offer.ts';
import type { Wish } from './offer.ts';
import { PeerFeed } from './peer-feed.ts';
import { Reputation } from './reputation.ts';
import { Upload } from './upload.ts';

/** Where tabs find each other. */
export interface SwarmNet {
  /** What others are told of this tab; undefined: nothing. */
  announce(offer: string | undefined): void;
  /** Those who are there, and what they told. */
  find(): Promise<readonly { readonly id: string; readonly offer: string }[]>;
  dial(id: string, options: { readonly signal: AbortSignal }): Promise<Channel>;
  close(): void;
}

export interface SwarmOptions {
  /** Only tabs that know the same one feed each other: of 16 characters at least, which nobody can guess. Hand it out with what else lets somebody read the cluster. */
  readonly secret: string;
  /** To members. */
  readonly dial: Dial;
  readonly openNet: (place: {
    readonly clusterId: string;
    readonly selfId: string;
    /** Somebody dialled. */
    readonly onChannel: (channel: Channel) => void;
  }) => SwarmNet;
  /** Default: drawn. */
  readonly selfId?: string;
  /** Tabs that this one feeds at a time. Default 4; 0: none. */
  readonly maxChildren?: number;
  /** Tabs one below the other. Default 4. */
  readonly maxDepth?: number;
  /** For all that it feeds together. Default 1 MiB. */
  readonly uploadBytesPerSecond?: number;
  /** Whether it should feed others now; asked every two seconds. Default: always. */
  readonly isWilling?: () => boolean;
  /** A feeder that the cluster is ahead of has this long for the next piece. Default 3 s. */
  readonly patienceMilliseconds?: number;
  /** Looking for a feeder takes no longer, for each of at most three that are tried. Default 2 s. */
  readonly seekMilliseconds?: number;
  /** A tab that the cluster feeds looks for a feeder this often. Default 30 s. */
  readonly lookMilliseconds?: number;
  /** Between two questions for digests at least: so far behind the cluster a fed tab may be. Default 50 ms. */
  readonly markMilliseconds?: number;
  readonly clock?: FeederClock;
  readonly random?: () => number;
  readonly inflate?: Inflate;
}

export interface SwarmStatus {
  /** Where the feed comes from. `none`: there is no feed, or one is being looked for. */
  readonly source: 'none' | 'cluster' | 'tab';
  /** With `tab`: who feeds, and so on up to the one that the cluster feeds. */
  readonly path: readonly string[];
  /** Tabs that are fed from here. */
  readonly children: number;
  /** Feed messages from the cluster, pieces from tabs and to tabs: bytes since the start. */
  readonly clusterBytes: number;
  readonly tabBytes: number;
  readonly uploadedBytes: number;
  /** Feeders that were left, and those of them that brought what is not so. */
  readonly left: number;
  readonly lies: number;
  readonly lastError: RaftkvError | undefined;
}

const minSecretCharacters = 16;
/** Feeders that are tried in one go. */
const maxTries = 3;
/** What is offered is looked at this often; more often while that is nothing. */
const offerMilliseconds = 2_000;
const firstOfferMilliseconds = 200;

const atFirst: SwarmStatus = {
  source: 'none',
  path: [],
  children: 0,
  clusterBytes: 0,
  tabBytes: 0,
  uploadedBytes: 0,
  left: 0,
  lies: 0,
  lastError: undefined,
};

export class Swarm implements FeedHub {
  readonly selfId: string;
  readonly clock: FeederClock;
  readonly inflate: Inflate;
  readonly markMilliseconds: number;
  readonly patienceMilliseconds: number;
  readonly #options: SwarmOptions;
  readonly #random: () => number;
  readonly #maxDepth: number;
  readonly #reputation: Reputation;
  readonly #upload: Upload;
  readonly #status = new LiveValue<SwarmStatus>(atFirst);
  #lender: CopyLender | undefined;
  #clusterId: string | undefined;
  #net: SwarmNet | undefined;
  #feeder: Feeder | undefined;
  /** The last one that was found. */
  #peer: PeerFeed | undefined;
  /** The feed of this tab's copy, and who brings it. */
  #feed: object | undefined;
  #ranges: readonly KeyRange[] = [];
  #from = 0;
  #path: readonly string[] | undefined;
  /** Agreed with a member when it was asked last. */
  #compared: LentCopy | undefined;
  #announced: string | undefined;
  #cancelOffers: (() => void) | undefined;
  #clusterBytes = 0;
  #tabBytes = 0;
  #isClosed = false;

  constructor(options: SwarmOptions) {
    if (typeof options.secret !== 'string' || options.secret.length < minSecretCharacters) {
      const message = `the secret of tabs that feed each other has ${minSecretCharacters} characters or more`;
      throw new RaftkvError('invalid_argument', message);
    }
    this.#options = options;
    this.selfId = options.selfId ?? crypto.randomUUID();
    this.clock = options.clock ?? processClock;
    this.inflate = options.inflate ?? platformInflate;
    this.markMilliseconds = options.markMilliseconds ?? 50;
    this.patienceMilliseconds = options.patienceMilliseconds ?? 3_000;
    this.#random = options.random ?? Math.random;
    this.#maxDepth = options.maxDepth ?? 4;
    this.#reputation = new Reputation(this.clock);
    this.#upload = new Upload(this.clock, options.uploadBytesPerSecond ?? 1024 * 1024);
  }

  /** An option of the replica: how it reaches members. */
  readonly dial: Dial = async (endpoint, options) => new MemberLink(await this.#options.dial(endpoint, options), this);

  /** An option of the replica: lends its copy, for others to be fed from. */
  readonly lend = (lender: CopyLender): void => {
    this.#lender = lender;
  };

  get status(): Live<SwarmStatus> {
    return this.#status;
  }

  /** Feeds nobody any more, and is fed by the cluster. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#cancelOffers?.();
    this.#peer?.close();
    this.#feeder?.close();
    this.#net?.close();
  }

  // What follows is for `fed-feed.ts`.

  /** The copy asked for a feed. */
  begin(feed: object, ranges: readonly KeyRange[], from: number): void {
    this.#feed = feed;
    this.#ranges = ranges;
    this.#from = from;
    this.#feeder?.begin(ranges, from);
    if (this.#net !== undefined) this.#offerLater();
  }

  end(feed: object): void {
    if (this.#feed !== feed) return;
    this.fed(feed, undefined);
    this.#feed = undefined;
    this.#cancelOffers?.();
  }

  /** Who brings the feed: undefined = nobody, none = the cluster. */
  fed(feed: object, path: readonly string[] | undefined): void {
    if (this.#feed !== feed) return;
    this.#path = path;
    this.#feeder?.setPath(path);
    const source = path === undefined ? 'none' : path.length === 0 ? 'cluster' : 'tab';
    this.#changed({ source, path: path ?? [] });
    this.#offer();
  }

  /** What the copy is given. */
  give(feed: object, message: FeedMessage): void {
    if (this.#feed === feed) this.#feeder?.push(message);
  }

  counted(from: 'cluster' | 'tab', bytes: number): void {
    if (from === 'cluster') this.#clusterBytes += bytes;
    else this.#tabBytes += bytes;
  }

  left(feederId: string, error: unknown): void {
    const isLie = this.#reputation.left(feederId, error);
    const { left, lies } = this.#status.getSnapshot();
    this.#changed({ left: left + 1, lies: lies + (isLie ? 1 : 0), lastError: RaftkvError.from(error) });
  }

  isLoop(path: readonly string[]): boolean {
    return path.includes(this.selfId) || path.length > this.#maxDepth;
  }

  isDoubtful(feed: object): boolean {
    return this.#feed === feed && this.#lender?.copy !== this.#compared;
  }

  compared(feed: object): void {
    if (this.#feed === feed) this.#compared = this.#lender?.copy;
  }

  nextLook(): number {
    return (this.#options.lookMilliseconds ?? 30_000) * (0.5 + this.#random());
  }

  /** Somebody who feeds, with whom this tab has met; undefined: nobody does now. */
  async seek(
    clusterId: string,
    wanted: { readonly ranges: readonly KeyRange[]; readonly isRoot: boolean },
  ): Promise<PeerFeed | undefined> {
    if (this.#isClosed || !this.#reputation.trustsSomebody) return undefined;
    const net = this.#enter(clusterId);
    const wish: Wish = {
      ...wanted,
      selfId: this.selfId,
      maxDepth: this.#maxDepth,
      mayAsk: (id) => this.#reputation.mayAsk(id),
      random: this.#random,
    };
    const found = await this.#inTime(net.find());
    const offers = (found ?? []).flatMap(({ id, offer }) => readOffer(id, offer) ?? []);
    const end = this.clock.now() + (this.#options.seekMilliseconds ?? 2_000);
    for (const { id } of choose(offers, wish).slice(0, maxTries)) {
      if (this.clock.now() > end) break;
      const peer = await this.#meet(net, clusterId, id);
      if (peer === undefined) continue;
      const [, ...path] = peer.path;
      // It was closed while it was looking, or the feeder is another one's child by now.
      if (!this.#isClosed && isFit({ id, path, ranges: [] }, wish)) {
        this.#peer = peer;
        return peer;
      }
      peer.close();
    }
    return undefined;
  }

  async #meet(net: SwarmNet, clusterId: string, feederId: string): Promise<PeerFeed | undefined> {
    const { secret, seekMilliseconds = 2_000 } = this.#options;
    const patience = new AbortController();
    const cancel = this.clock.schedule(() => patience.abort(), seekMilliseconds);
    try {
      const channel = await net.dial(feederId, { signal: patience.signal });
      return await PeerFeed.meet(channel, {
        selfId: this.selfId,
        feederId,
        clusterId,
        secret,
        clock: this.clock,
        timeoutMilliseconds: seekMilliseconds,
        onBytes: (bytes) => this.counted('tab', bytes),
      });
    } catch (error) {
      this.left(feederId, error);
      return undefined;
    } finally {
      cancel();
    }
  }

  async #inTime<T>(found: Promise<T>): Promise<T | undefined> {
    const { seekMilliseconds = 2_000 } = this.#options;
    return Promise.race([found.catch(() => undefined), pause(this.clock, seekMilliseconds).then(() => undefined)]);
  }

  /** A tab belongs to one cluster; of another one it begins anew. */
  #enter(clusterId: string): SwarmNet {
    if (this.#net !== undefined && this.#clusterId === clusterId) return this.#net;
    this.#feeder?.close();
    this.#net?.close();
    const { secret, openNet, maxChildren = 4, isWilling = () => true } = this.#options;
    this.#clusterId = clusterId;
    this.#announced = undefined;
    const feeder = new Feeder({
      selfId: this.selfId,
      clusterId,
      secret,
      clock: this.clock,
      inflate: this.inflate,
      maxChildren,
      maxDepth: this.#maxDepth,
      upload: this.#upload,
      copy: () => this.#lender?.copy,
      isWilling,
      onChanged: () => {
        this.#changed({});
        this.#offer();
      },
    });
    feeder.begin(this.#ranges, this.#from);
    feeder.setPath(this.#path);
    this.#feeder = feeder;
    this.#net = openNet({
      clusterId,
      selfId: this.selfId,
      onChannel: (channel) => feeder.accept(channel),
    });
    this.#offerLater();
    return this.#net;
  }

  #offerLater(): void {
    this.#cancelOffers?.();
    // A copy may ask for a feed after that, which the cluster brings.
    if (this.#isClosed) return;
    this.#cancelOffers = this.clock.schedule(
      () => {
        this.#changed({});
        this.#offer();
        this.#offerLater();
      },
      this.#announced === undefined ? firstOfferMilliseconds : offerMilliseconds,
    );
  }

  /** Tells the others what changed. */
  #offer(): void {
    const feeder = this.#feeder;
    if (feeder === undefined || this.#net === undefined || this.#isClosed) return;
    const { room } = feeder;
    const offer = room > 0 ? writeOffer({ room, path: this.#path ?? [], ranges: feeder.ranges }) : undefined;
    if (offer === this.#announced) return;
    this.#announced = offer;
    this.#net.announce(offer);
  }

  #changed(change: Partial<SwarmStatus>): void {
    this.#status.set({
      ...this.#status.getSnapshot(),
      clusterBytes: this.#clusterBytes,
      tabBytes: this.#tabBytes,
      uploadedBytes: this.#upload.bytes,
      children: this.#feeder?.children ?? 0,
      ...change,
    });
  }
}
