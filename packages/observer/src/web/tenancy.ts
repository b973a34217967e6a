// One replica for all tabs of an origin. The tab that has the lock holds it: it follows the cluster, keeps the copy, and feeds the others, which wait in
// the lock's queue to take its place. What changes hands is the feed and the store alone: each tab has its own copy, its own session and its own way to
// the cluster, so no call depends on who holds.
import type { Clock } from '@raftkv/client';
import type { FeedMessage } from '@raftkv/client/parts';
import type { RaftkvError } from '@raftkv/wire';
import { drawId } from '../assembly.ts';
import type { ReplicaAssembly } from '../assembly.ts';
import type { CopyStore } from '../journal.ts';
import { TabFeed } from '../tab-feed.ts';
import { TabFeeder, scopeOf } from '../tab-feeder.ts';
import type { TabPort } from '../tab-pipe.ts';
import { HolderLock } from './holder-lock.ts';
import { isTabMessage, placeOf } from './tab-talk.ts';
import type { TabMessage } from './tab-talk.ts';

export interface TenancyOptions {
  /** Of the replica. Tabs with the same one share it. */
  readonly name: string;
  /** No other tab has this name: it is a replica of this tab's own. Default false. */
  readonly isAlone?: boolean;
  /** Where the holder keeps the copy, if anywhere. It must take it from whoever has it open. */
  readonly store: CopyStore | undefined;
  readonly locks: Pick<LockManager, 'request'>;
  readonly openPort: (name: string) => TabPort;
  readonly isVisible: () => boolean;
}

/** A tab that is not fed looks around this often, and one that is looks after its pipe … */
const tickMilliseconds = 1_000;
/** … whose other end is taken for dead when it has not answered for this long. So is then a holder that does not answer for as long again: the tab takes over. */
const patienceMilliseconds = 3_000;

export class Tenancy {
  readonly #assembly: ReplicaAssembly<never, never>;
  readonly #options: TenancyOptions;
  readonly #clock: Clock;
  readonly #lock: HolderLock;
  readonly #feeder: TabFeeder;
  #role: 'out' | 'waiting' | 'attached' | 'holder' = 'out';
  #port: TabPort | undefined;
  /** While it is attached. */
  #feed: TabFeed | undefined;
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

  constructor(assembly: ReplicaAssembly<never, never>, options: TenancyOptions) {
    this.#assembly = assembly;
    this.#options = options;
    this.#clock = assembly.settings.clock;
    const feeder = new TabFeeder(assembly, assembly.ranges, this.#clock.now);
    this.#feeder = feeder;
    assembly.observer.subscribe((changed) => {
      if (changed === undefined) feeder.replaced();
    });
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
    const port = this.#openPort('tabs');
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

  /** The copy took this in. */
  taken(message: FeedMessage): void {
    this.#feeder.taken(message);
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
    this.#assembly.setTenancy(this.#options.isAlone === true ? 'alone' : 'holder');
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
    this.#feed = undefined;
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
        if (isHolder) this.#feeder.accept(this.#openPort(message.pipe), message);
        return;
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

  #attach({ holder, replicaId, storage }: Extract<TabMessage, { readonly type: 'here' }>): void {
    this.#askedAt = undefined;
    this.#role = 'attached';
    this.#assembly.setTenancy('attached', { replicaId, storage });
    if (this.#holder === holder && this.#feed?.isOpen === true) return;
    this.#holder = holder;
    const { clusterId, settings } = this.#assembly;
    const pipe = drawId();
    this.#assembly.follow((ranges, handlers) => {
      const feed = new TabFeed({
        port: this.#openPort(pipe),
        handlers,
        now: this.#clock.now,
        // Writes that wait here are meant for the cluster that was copied so far.
        clusterId: clusterId ?? settings.clusterId,
        onFailed: (error) => this.#assembly.feedFailed(error),
      });
      this.#feed = feed;
      this.#post({ type: 'attach', pipe, from: handlers.position(), scope: scopeOf(ranges) });
      return feed;
    });
    this.#settle();
  }

  #openPort(name: string): TabPort {
    return this.#options.openPort(this.#name(name));
  }

  #ask(): void {
    this.#askedAt = this.#clock.now();
    this.#post({ type: 'ask' });
  }

  #tickLater(): void {
    this.#tickedAt = this.#clock.now();
    this.#cancelTick = this.#clock.schedule(() => {
      this.#tick();
      this.#tickLater();
    }, tickMilliseconds);
  }

  /** The answers over the pipe tell whether the holder lives; without a pipe it is asked. */
  #tick(): void {
    this.#settle();
    if (this.#role === 'holder') return this.#feeder.changed();
    this.#lock.queue();
    const now = this.#clock.now();
    // This tab itself was asleep: answers may be on their way.
    const wasAsleep = now - this.#tickedAt > 3 * tickMilliseconds;
    const feed = this.#feed;
    if (feed?.isOpen === true && !wasAsleep && now - feed.heardAt >= patienceMilliseconds) feed.lose();
    feed?.report();
    if (feed?.isOpen === true || !this.#options.isVisible()) this.#askedAt = undefined;
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
    return placeOf(this.#options.name, part);
  }
}
