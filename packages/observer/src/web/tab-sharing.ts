// What the tabs of one replica have to do with each other: they ask who holds it, the holder feeds the others, and one that does not answer is robbed of the
// lock. What changes hands is the feed and the store alone: each tab has its own copy, its own session and its own way to the cluster, so no call depends on who
// holds. Who does, and what comes of it, is for `tenancy.ts`.
import type { Clock } from '@raftkv/client';
import type { FeedMessage } from '@raftkv/client/parts';
import { drawId } from '../assembly.ts';
import type { ReplicaAssembly } from '../assembly.ts';
import { TabFeed } from '../tab-feed.ts';
import { TabFeeder, scopeOf } from '../tab-feeder.ts';
import type { TabPort } from '../tab-pipe.ts';
import { placeOf } from './place-of.ts';
import { isTabMessage } from './tab-talk.ts';
import type { TabMessage } from './tab-talk.ts';
import type { Sharing, Tenancy } from './tenancy.ts';

/** A tab that is not fed looks around this often, and one that is looks after its pipe … */
const tickMilliseconds = 1_000;
/** … whose other end is taken for dead when it has not answered for this long. So is then a holder that does not answer for as long again: the tab takes over. */
const patienceMilliseconds = 3_000;

export class TabSharing implements Sharing {
  readonly #tenancy: Tenancy;
  readonly #assembly: ReplicaAssembly<never, never>;
  readonly #clock: Clock;
  readonly #feeder: TabFeeder;
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

  constructor(tenancy: Tenancy) {
    const { assembly } = tenancy;
    this.#tenancy = tenancy;
    this.#assembly = assembly;
    this.#clock = assembly.settings.clock;
    const feeder = new TabFeeder(assembly, assembly.ranges, this.#clock.now);
    this.#feeder = feeder;
    feeder.replaced();
    assembly.observer.subscribe((changed) => {
      if (changed === undefined) feeder.replaced();
    });
  }

  join(): void {
    const port = this.#openPort('tabs');
    this.#port = port;
    port.addEventListener('message', ({ data }) => {
      if (this.#port === port && isTabMessage(data)) this.#hear(data);
    });
    this.#ask();
    this.#tickLater();
  }

  leave(): void {
    this.#cancelTick?.();
    this.#port?.close();
    this.#port = undefined;
  }

  held(): void {
    this.#holder = drawId();
    this.#announce();
  }

  lost(): void {
    this.#ask();
  }

  stop(): void {
    this.#feeder.dismiss();
    this.#feed = undefined;
    this.#holder = '';
  }

  taken(message: FeedMessage): void {
    this.#feeder.taken(message);
  }

  changed(): void {
    if (!this.#tenancy.isHolder) return;
    this.#feeder.changed();
    const { replicaId, storage } = this.#assembly.status;
    if (this.#told !== replicaId + storage) this.#announce();
  }

  #hear(message: TabMessage): void {
    const { isHolder } = this.#tenancy;
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
    this.#tenancy.settle();
  }

  #openPort(name: string): TabPort {
    const { options } = this.#tenancy;
    return options.openPort(placeOf(options.name, name));
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
    const { isHolder, lock, options } = this.#tenancy;
    if (isHolder) return this.#feeder.changed();
    lock.queue();
    const now = this.#clock.now();
    // This tab itself was asleep: answers may be on their way.
    const wasAsleep = now - this.#tickedAt > 3 * tickMilliseconds;
    const feed = this.#feed;
    if (feed?.isOpen === true && !wasAsleep && now - feed.heardAt >= patienceMilliseconds) feed.lose();
    feed?.report();
    if (feed?.isOpen === true || !options.isVisible()) this.#askedAt = undefined;
    else if (this.#askedAt === undefined || wasAsleep) this.#ask();
    else if (now - this.#askedAt >= patienceMilliseconds) {
      this.#askedAt = undefined;
      lock.steal();
    }
  }

  #post(message: TabMessage): void {
    this.#port?.postMessage(message);
  }
}
