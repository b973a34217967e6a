// One replica for all tabs of an origin, as one of them sees it: the tab that has the lock holds the replica, follows the cluster and keeps the copy; the others
// wait in the lock's queue to take its place. What tabs say to each other and how the holder feeds the others is in `tab-sharing.ts`, which may come later than
// this: a tab that is alone needs nothing of it.
import type { Clock } from '@raftkv/client';
import type { FeedMessage } from '@raftkv/client/parts';
import type { RaftkvError } from '@raftkv/wire';
import type { ReplicaAssembly } from '../assembly.ts';
import type { CopyStore } from '../journal.ts';
import type { TabPort } from '../tab-pipe.ts';
import { HolderLock } from './holder-lock.ts';
import { placeOf } from './place-of.ts';

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

/** What a tenancy has of the other tabs, once it can talk with them. */
export interface Sharing {
  /** It takes part from now on. */
  join(): void;
  /** It does not any more. */
  leave(): void;
  /** It holds now. */
  held(): void;
  /** It was robbed of the lock. */
  lost(): void;
  /** Nobody feeds it any more, and it feeds nobody: who holds is another one now. */
  stop(): void;
  /** The copy took this in. */
  taken(message: FeedMessage): void;
  /** Something of the status changed. */
  changed(): void;
}

/** After so long nobody waits for it any more, and without what other tabs could tell it follows the cluster itself. */
const patienceMilliseconds = 1_000;

export class Tenancy {
  readonly assembly: ReplicaAssembly<never, never>;
  readonly options: TenancyOptions;
  readonly lock: HolderLock;
  readonly #clock: Clock;
  #role: 'out' | 'waiting' | 'holder' = 'out';
  /** Another one each time that it holds. */
  #holding = {};
  #sharing: Sharing | undefined;
  #cancelPatience: (() => void) | undefined;
  /** Opening and closing the store, one after the other. */
  #storing: Promise<void> = Promise.resolve();
  /** Resolves once this tab holds and has read its store, or is fed by another; or has waited for that. */
  readonly settled: Promise<void>;
  settle: () => void = () => {};

  constructor(assembly: ReplicaAssembly<never, never>, options: TenancyOptions) {
    this.assembly = assembly;
    this.options = options;
    this.#clock = assembly.settings.clock;
    const onHeld = (): void => this.#hold();
    this.lock = new HolderLock({
      name: placeOf(options.name, 'holder'),
      locks: options.locks,
      onHeld,
      onLost: () => this.#lost(),
      // A page of no origin, as in a sandbox, has no locks and no siblings either.
      onRefused: onHeld,
    });
    this.settled = new Promise((resolve) => (this.settle = resolve));
  }

  get isHolder(): boolean {
    return this.#role === 'holder';
  }

  /** From now on it can talk with other tabs. Once. */
  share(sharing: Sharing): void {
    this.#sharing = sharing;
    if (this.#role !== 'out') sharing.join();
    if (this.isHolder) sharing.held();
  }

  /** Takes part, from now on. */
  join(): void {
    if (this.#role !== 'out') return;
    this.#wait();
    this.#sharing?.join();
  }

  /**
   * Takes no part any more; others go on at once. A page that is about to be frozen or to go cannot wait for what this resolves with: all that matters
   * is done when it returns. The store is no matter of life and death, since whoever opens it next shuts this tab out of it.
   */
  leave(): Promise<void> {
    if (this.#role === 'out') return this.#storing;
    this.#stopFeeds();
    this.#role = 'out';
    this.#cancelPatience?.();
    this.#sharing?.leave();
    this.assembly.setTenancy('alone');
    this.settle();
    // A store that can still be closed in order is; the lock does not wait for it.
    this.#dropStore();
    this.lock.leave();
    return this.#storing;
  }

  /** The copy took this in. */
  taken(message: FeedMessage): void {
    this.#sharing?.taken(message);
  }

  /** Something of the status changed. */
  changed(): void {
    this.#sharing?.changed();
  }

  /**
   * Nothing is kept any more. If that is because another tab has the store, it is one that was put away while it was opening it and did not know, when it woke,
   * that its time was over; it lets go by itself.
   */
  storageFailed(error: RaftkvError): void {
    if (error.code !== 'storage_locked' || !this.isHolder || !this.lock.isHeld) return;
    this.#dropStore();
    this.#keep();
  }

  #hold(): void {
    this.#stopFeeds();
    this.#role = 'holder';
    this.#holding = {};
    this.#sharing?.held();
    this.assembly.setTenancy(this.options.isAlone === true ? 'alone' : 'holder');
    this.#keep();
  }

  #keep(): void {
    const { store } = this.options;
    const holding = this.#holding;
    const isHolding = (): boolean => this.isHolder && this.#holding === holding;
    this.#store(async () => {
      if (isHolding() && store !== undefined) await this.assembly.keep(store);
      if (!isHolding()) return;
      this.assembly.followCluster();
      this.settle();
    });
  }

  /** Another tab found this one dead, or took it for dead. */
  #lost(): void {
    this.#stopFeeds();
    this.#dropStore();
    this.assembly.setTenancy('attached');
    this.#wait();
    this.#sharing?.lost();
  }

  /** For its turn, and to be fed meanwhile. */
  #wait(): void {
    this.#role = 'waiting';
    this.lock.queue();
    this.#cancelPatience = this.#clock.schedule(() => {
      this.settle();
      // It does not hear yet what other tabs say.
      if (this.#sharing === undefined && this.#role === 'waiting') this.assembly.followCluster();
    }, patienceMilliseconds);
  }

  #stopFeeds(): void {
    this.#sharing?.stop();
    this.assembly.unfollow();
  }

  #dropStore(): void {
    const dropped = this.assembly.dropStore();
    this.#store(() => dropped);
  }

  #store(work: () => Promise<void>): void {
    this.#storing = this.#storing.then(work).catch(() => {});
  }
}
