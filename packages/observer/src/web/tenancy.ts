// One replica for all tabs of an origin. The tab that has the lock holds it: it follows the cluster, keeps the copy, and feeds the others, which wait in
// the lock's queue to take its place. What changes hands is the feed and the store alone: each tab has its own copy, its own session and its own way to
// the cluster, so no call depends on who holds.
import { FeedClient } from '@raftkv/client/parts';
import type { Clock } from '@raftkv/client';
import type { Channel } from '@raftkv/transport';
import type { BroadcastPort } from '@raftkv/transport/web';
import { RaftkvError } from '@raftkv/wire';
import { drawId } from '../assembly.ts';
import type { ReplicaAssembly } from '../assembly.ts';
import type { CopyStore } from '../journal.ts';
import type { TabFeeder } from '../tab-feeder.ts';
import { HolderLock } from './holder-lock.ts';
import { isTabMessage } from './tab-talk.ts';
import type { TabMessage } from './tab-talk.ts';

export interface TenancyOptions {
  /** Of the replica. Tabs with the same one share it. */
  readonly name: string;
  /** What this tab is called while it holds: `alone` where no other can come. */
  readonly heldAs: 'holder' | 'alone';
  /** Where the holder keeps the copy, if anywhere. It must take it from whoever has it open. */
  readonly store: CopyStore | undefined;
  readonly locks: Pick<LockManager, 'request'>;
  readonly openPort: (name: string) => BroadcastPort;
  readonly openChannel: (port: BroadcastPort) => Channel;
  readonly isVisible: () => boolean;
  readonly clock: Clock;
}

/** A tab that is not fed looks around this often … */
const tickMilliseconds = 1_000;
/** … and takes over from a holder that has not answered for this long. */
const patienceMilliseconds = 3_000;
/** The one address that a feed between tabs dials. */
const holderAddress = 'the tab that holds the replica';

export class Tenancy {
  readonly #assembly: ReplicaAssembly<never, never>;
  readonly #options: TenancyOptions;
  readonly #lock: HolderLock;
  readonly #feeder: TabFeeder;
  #role: 'out' | 'waiting' | 'attached' | 'holder' = 'out';
  #port: BroadcastPort | undefined;
  /** While it is attached. */
  #feeds: FeedClient | undefined;
  #pipe: Channel | undefined;
  readonly #dials = new Map<string, () => void>();
  /** The holder as this tab knows it; its own while it holds. */
  #holder = '';
  #told = '';
  /** When it began to wait for an answer. */
  #askedAt: number | undefined;
  #tickedAt = 0;
  #cancelTick: (() => void) | undefined;
  /** Opening and closing the store, one after the other. */
  #storing: Promise<void> = Promise.resolve();
  /** Resolves once this tab holds and has read its store, or is fed by another; or has waited for that. */
  readonly settled: Promise<void>;
  #settle: () => void = () => {};

  constructor(assembly: ReplicaAssembly<never, never>, feeder: TabFeeder, options: TenancyOptions) {
    this.#assembly = assembly;
    this.#feeder = feeder;
    this.#options = options;
    this.#lock = new HolderLock({
      name: this.#name('holder'),
      locks: options.locks,
      onHeld: () => this.#hold(),
      onLost: () => this.#lost(),
      // A page of no origin, as in a sandbox, has no locks and no siblings either.
      onRefused: () => this.#hold(),
    });
    this.settled = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Takes part, from now on. */
  join(): void {
    if (this.#role !== 'out') return;
    this.#role = 'waiting';
    const port = this.#options.openPort(this.#name('tabs'));
    this.#port = port;
    port.addEventListener('message', ({ data }) => {
      if (this.#port === port && isTabMessage(data)) this.#hear(data);
    });
    this.#lock.queue();
    this.#ask();
    this.#tickLater();
  }

  /**
   * Takes no part any more; others go on at once. A page that is about to be frozen or to go cannot wait for what this resolves with: all that matters
   * is done when it returns. The store is no matter of life and death, since whoever opens it next shuts this tab out of it.
   */
  leave(): Promise<void> {
    if (this.#role === 'out') return this.#storing;
    this.#stopFeeds();
    this.#role = 'out';
    this.#cancelTick?.();
    this.#port?.close();
    this.#port = undefined;
    this.#assembly.setTenancy('alone');
    this.#settle();
    // A store that can still be closed in order is; the lock does not wait for it.
    this.#dropStore();
    this.#lock.leave();
    return this.#storing;
  }

  /** Something of the status changed. */
  changed(): void {
    if (this.#role !== 'holder') return;
    this.#feeder.changed();
    const { replicaId, storage } = this.#assembly.status;
    if (this.#told !== replicaId + storage) this.#announce();
  }

  /**
   * Nothing is kept any more. If that is because another tab has the store, it is one that was put away while it was opening it and did not know, when it woke,
   * that its time was over; it lets go by itself.
   */
  storageFailed(error: RaftkvError): void {
    if (error.code !== 'storage_locked' || this.#role !== 'holder' || !this.#lock.isHeld) return;
    this.#dropStore();
    this.#keep();
  }

  #hold(): void {
    this.#stopFeeds();
    this.#role = 'holder';
    this.#holder = drawId();
    this.#assembly.setTenancy(this.#options.heldAs);
    this.#announce();
    this.#keep();
  }

  #keep(): void {
    const { store } = this.#options;
    const holder = this.#holder;
    const isHolding = (): boolean => this.#role === 'holder' && this.#holder === holder;
    this.#store(async () => {
      if (isHolding() && store !== undefined) await this.#assembly.keep(store);
      if (!isHolding()) return;
      this.#assembly.followCluster();
      this.#settle();
    });
  }

  /** Another tab found this one dead, or took it for dead. */
  #lost(): void {
    this.#stopFeeds();
    this.#dropStore();
    this.#role = 'waiting';
    this.#assembly.setTenancy('attached');
    this.#lock.queue();
    this.#ask();
  }

  #stopFeeds(): void {
    this.#feeder.dismiss();
    this.#assembly.unfollow();
    this.#feeds?.close();
    this.#feeds = undefined;
    this.#holder = '';
  }

  #dropStore(): void {
    const dropped = this.#assembly.dropStore();
    this.#store(() => dropped);
  }

  #store(work: () => Promise<void>): void {
    this.#storing = this.#storing.then(work).catch(() => {});
  }

  #hear(message: TabMessage): void {
    const isHolder = this.#role === 'holder';
    switch (message.type) {
      case 'ask':
        if (isHolder) this.#announce();
        return;
      case 'attach':
        if (isHolder) this.#accept(message.pipe);
        return;
      case 'accept':
        return this.#dials.get(message.pipe)?.();
      case 'here':
        if (!isHolder) this.#attach(message);
        return;
    }
  }

  #announce(): void {
    const { replicaId, storage } = this.#assembly.status;
    this.#told = replicaId + storage;
    this.#post({ type: 'here', holder: this.#holder, replicaId, storage });
  }

  #accept(pipe: string): void {
    this.#feeder.accept(this.#openPipe(pipe));
    this.#post({ type: 'accept', pipe });
  }

  #attach({ holder, replicaId, storage }: Extract<TabMessage, { readonly type: 'here' }>): void {
    this.#askedAt = undefined;
    this.#role = 'attached';
    this.#assembly.setTenancy('attached', { replicaId, storage });
    if (this.#holder === holder) return;
    this.#holder = holder;
    if (this.#feeds !== undefined) return this.#feeds.reconnect();
    const { clusterId, clock, random } = this.#assembly.settings;
    const feeds = new FeedClient(
      { endpoints: [holderAddress], clusterId, clock, random, dial: this.#dial },
      (error) => {
        // It would rather go to the leader itself, whose address it has heard.
        if (this.#feeds === feeds && this.#pipe?.isOpen !== true) this.#assembly.feedFailed(error);
      },
    );
    this.#feeds = feeds;
    this.#assembly.follow((ranges, handlers) => feeds.openFeed(ranges, handlers));
    this.#settle();
  }

  readonly #dial = (address: string, { signal }: { readonly signal: AbortSignal }): Promise<Channel> =>
    new Promise((resolve, reject) => {
      // The feed has heard who leads the cluster and would like to go there.
      if (address !== holderAddress) return reject(new RaftkvError('connect_failed', 'no tab goes by this address'));
      const pipe = drawId();
      const channel = this.#openPipe(pipe);
      this.#dials.set(pipe, () => {
        this.#dials.delete(pipe);
        this.#pipe = channel;
        resolve(channel);
      });
      signal.addEventListener('abort', () => {
        if (!this.#dials.delete(pipe)) return;
        channel.close();
        reject(new RaftkvError('cancelled', 'no tab answered'));
      });
      this.#post({ type: 'attach', pipe });
    });

  #openPipe(pipe: string): Channel {
    const { openChannel, openPort } = this.#options;
    return openChannel(openPort(this.#name(pipe)));
  }

  #ask(): void {
    this.#askedAt = this.#options.clock.now();
    this.#post({ type: 'ask' });
  }

  #tickLater(): void {
    this.#tickedAt = this.#options.clock.now();
    this.#cancelTick = this.#options.clock.schedule(() => {
      this.#tick();
      this.#tickLater();
    }, tickMilliseconds);
  }

  /** The pings of the pipe tell whether the holder lives; without a pipe it is asked. */
  #tick(): void {
    this.#settle();
    if (this.#role === 'holder') return this.#feeder.changed();
    this.#lock.queue();
    const now = this.#options.clock.now();
    // This tab itself was asleep: answers may be on their way.
    const wasAsleep = now - this.#tickedAt > 3 * tickMilliseconds;
    if (this.#pipe?.isOpen === true || !this.#options.isVisible()) this.#askedAt = undefined;
    else if (this.#askedAt === undefined || wasAsleep) this.#ask();
    else if (now - this.#askedAt >= patienceMilliseconds) {
      this.#askedAt = undefined;
      this.#lock.steal();
    }
  }

  #post(message: TabMessage): void {
    this.#port?.postMessage(message);
  }

  #name(part: string): string {
    return `raftkv/${this.#options.name}/${part}`;
  }
}
