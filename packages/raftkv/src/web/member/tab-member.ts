// A member in a tab: its lives, one after the other, and the rules under which a tab may vote. It leads only while it is seen, hands over before it is put to
// sleep, and begins anew with what is durable when it was. What a life consists of is in `tab-life.ts`; how long a tab did not run, `vigil.ts` says.
import { dialEndpoint } from '@raftkv/client';
import type { HomeOptions } from '@raftkv/server';
import { tabAddress, tabWord } from '@raftkv/server';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import type { ChannelPurpose } from '@raftkv/transport/web';
import { RaftkvError } from '@raftkv/wire';
import { KeepAwake } from './keep-awake.ts';
import { watchPageLife } from './page-life.ts';
import type { TabPage } from './page-life.ts';
import { TabLife } from './tab-life.ts';
import type { EndOfLife, TabLifeOptions } from './tab-life.ts';
import { tabPriorities } from './tab-options.ts';
import type { TabMemberOptions, TabMemberStatus, TabNetwork } from './tab-options.ts';
import { TabStatus } from './tab-status.ts';

const heartbeatTicks = 5;
const electionTimeoutTicks = 25;
/** A life that was shorter makes the next one more patient: on a machine that is too busy, beginning anew helps nobody. */
const soundLifeMilliseconds = 10_000;
const maxPatienceDoublings = 5;

export interface TabMember {
  /** The same object until something changes. */
  status(): TabMemberStatus;
  /** Told after each change. Answers the function that ends it. */
  onChange(listener: () => void): () => void;
  /**
   * For `connect({ endpoints: [member.address], dial: member.dial })` and `openReplica`: to this member within the page, once it is there; to members in
   * other tabs (`tab:NAME`) over its network; to others over WebSocket.
   */
  readonly dial: (endpoint: string, options: { readonly signal: AbortSignal }) => Promise<Channel>;
  readonly address: string;
  /** A channel that somebody opened to this member on a way that is not its network's. */
  accept(channel: Channel, purpose: ChannelPurpose): void;
  /** Ends it: the storage and the locks are free then. Idempotent. `handOver`: a leader hands leadership over first, which takes an election timeout at most. */
  close(options?: { readonly handOver?: boolean }): Promise<void>;
}

export interface TabMemberParts {
  readonly options: TabMemberOptions;
  /** The one of this boot. */
  readonly name: string;
  readonly page: TabPage;
  /** Without `join`, which needs a network. */
  readonly home: (onFailure: (error: RaftkvError) => void) => Promise<Omit<HomeOptions, 'join'>>;
  readonly joinOver: (dial: TabMember['dial']) => HomeOptions['join'];
  readonly version: string;
}

export class OpenTabMember implements TabMember {
  readonly address: string;
  readonly #parts: TabMemberParts;
  readonly #status: TabStatus;
  readonly #keepAwake: KeepAwake;
  readonly #network: TabNetwork;
  readonly #electionTimeoutMilliseconds: number;
  readonly #stopWatching: () => void;
  #home: HomeOptions | undefined;
  #life: TabLife | undefined;
  /** Those that want to talk to the next life. */
  #waiting = new Set<(life: TabLife | RaftkvError) => void>();
  #shortLives = 0;
  #isClosed = false;
  #isOver: Promise<void> = Promise.resolve();

  constructor(parts: TabMemberParts) {
    const { options, name, page } = parts;
    this.#parts = parts;
    this.address = tabAddress(name);
    this.#electionTimeoutMilliseconds = options.electionTimeoutMilliseconds ?? 1000;
    this.#keepAwake = new KeepAwake(page.locks);
    this.#status = new TabStatus({ name, address: this.address, storage: options.storage });
    this.#network = options.openNetwork({
      selfId: name,
      onChannel: (channel, _from, purpose) => this.accept(channel, purpose),
    });
    this.#stopWatching = watchPageLife(page, {
      onHidden: () => this.#settle(),
      onShown: () => this.#wake(),
      onLeaving: () => this.#leave(),
      onResumed: () => this.#wake(),
      onRestored: () => this.#life?.end({ type: 'gap', milliseconds: 0 }),
      onNetwork: () => {
        this.#network.networkChanged?.();
        this.#life?.member.mesh.networkChanged();
      },
    });
  }

  /** The first life. Rejects with why there is none; nothing stays open then. */
  async open(): Promise<void> {
    const { home, joinOver } = this.#parts;
    try {
      const place = await home((error) => this.#life?.end({ type: 'halted', error }));
      this.#home = { ...place, join: joinOver(this.dial) };
      this.#begins(await TabLife.begin(this.#lifeOptions()));
    } catch (error) {
      this.#stop(undefined);
      throw error;
    }
    this.#isOver = this.#liveOn();
  }

  status(): TabMemberStatus {
    return this.#status.snapshot();
  }

  onChange(listener: () => void): () => void {
    return this.#status.onChange(listener);
  }

  readonly dial: TabMember['dial'] = async (endpoint, { signal }) => {
    if (endpoint === this.address) return (await this.#nextLife(signal)).connect();
    const word = tabWord(endpoint);
    if (word !== undefined) return this.#network.dial(word, { signal, purpose: 'client' });
    return dialEndpoint(endpoint, { signal });
  };

  accept(channel: Channel, purpose: ChannelPurpose): void {
    const life = this.#life;
    if (life === undefined) channel.close(new RaftkvError('busy', 'this member is about to begin'));
    else life.accept(channel, purpose);
  }

  async close(options: { readonly handOver?: boolean } = {}): Promise<void> {
    this.#isClosed = true;
    this.#life?.end({ type: 'closed' }, options);
    await this.#isOver;
    this.#stop(undefined);
  }

  async #liveOn(): Promise<void> {
    for (;;) {
      const life = this.#life!;
      const end = await life.over;
      this.#life = undefined;
      try {
        await this.#bury(life, end);
        if (this.#isClosed) return;
        if (end.type === 'halted') return this.#stop(end.error);
        const next = await TabLife.begin(this.#lifeOptions());
        this.#begins(next);
        if (this.#isClosed) next.end({ type: 'closed' });
      } catch (error) {
        return this.#stop(RaftkvError.from(error));
      }
    }
  }

  async #bury(life: TabLife, end: EndOfLife): Promise<void> {
    if (end.type === 'gap') {
      this.#status.restarting();
      this.#parts.options.onEvent?.({ type: 'restarting', milliseconds: end.milliseconds });
    }
    // A storage that was lost cannot be closed well.
    const closed = life.ended();
    await (end.type === 'gap' ? closed : closed.catch(() => undefined));
  }

  #begins(life: TabLife): void {
    const bornAt = life.vigil.clock.now();
    this.#life = life;
    this.#settle();
    const { roster } = life.member;
    const unsubscribe = roster.onChange(() => this.#look());
    void life.over.then(() => {
      unsubscribe();
      this.#shortLives = life.vigil.clock.now() - bornAt < soundLifeMilliseconds ? this.#shortLives + 1 : 0;
    });
    for (const take of this.#waiting) take(life);
    this.#waiting.clear();
  }

  /** Whether the tab is seen decides how much it should lead. */
  #settle(): void {
    const priority = this.#priority();
    this.#life?.member.replica.setPriority(priority);
    this.#look();
    // A tab that was hidden may be frozen next: what hands over leaves now.
    this.#life?.vigil.flush();
  }

  /** Seen, or running, again: if it did not run for too long, another life begins. */
  #wake(): void {
    if (this.#life?.vigil.look({ isShown: true }) !== true) this.#settle();
  }

  /** Whoever leads now, in a tab that may not run again, hands over to anybody rather than to the election timeout. */
  #leave(): void {
    const life = this.#life;
    life?.member.replica.setPriority(tabPriorities.hidden);
    life?.member.handOver().catch(() => undefined);
    life?.vigil.flush();
  }

  #priority(): number {
    const { page } = this.#parts;
    if (page.document.visibilityState === 'hidden') return tabPriorities.hidden;
    return page.isMobile ? tabPriorities.mobile : tabPriorities.desktop;
  }

  #look(): void {
    const life = this.#life;
    if (life === undefined || life.isOver) return;
    this.#status.look(life, this.#priority());
    this.#keepAwake.set(this.#status.snapshot().standing === 'voter');
    this.#status.keptAwake(this.#keepAwake.isHeld);
  }

  #stop(error: RaftkvError | undefined): void {
    this.#stopWatching();
    this.#keepAwake.set(false);
    this.#network.close();
    const reason = error ?? new RaftkvError('closed', 'this member was closed');
    for (const take of this.#waiting) take(reason);
    this.#waiting.clear();
    this.#status.stopped(error);
    if (error !== undefined) this.#parts.options.onEvent?.({ type: 'stopped', error });
  }

  #nextLife(signal: AbortSignal): Promise<TabLife> {
    const life = this.#life;
    if (life !== undefined && !life.isOver) return Promise.resolve(life);
    if (this.#status.snapshot().phase === 'stopped') {
      return Promise.reject(new RaftkvError('connect_failed', 'this member has stopped'));
    }
    return new Promise((resolve, reject) => {
      const take = (next: TabLife | RaftkvError): void => {
        signal.removeEventListener('abort', cancel);
        if (next instanceof RaftkvError) reject(next);
        else resolve(next);
      };
      const cancel = (): void => {
        this.#waiting.delete(take);
        reject(new RaftkvError('cancelled', 'dialling was cancelled'));
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.#waiting.add(take);
    });
  }

  #lifeOptions(): TabLifeOptions {
    const { options, page, version } = this.#parts;
    const { snapshotThreshold, time } = options;
    const timeout = this.#electionTimeoutMilliseconds;
    return {
      home: this.#home!,
      vigil: {
        patienceMilliseconds: timeout * 2 ** Math.min(this.#shortLives, maxPatienceDoublings),
        isHidden: () => page.document.visibilityState === 'hidden',
        time,
      },
      priority: this.#priority(),
      member: {
        version,
        raft: { electionTimeoutTicks, heartbeatTicks, seed: 0 },
        tickMilliseconds: timeout / electionTimeoutTicks,
        mesh: this.#meshParts(),
        // Node cannot dial a tab, so the tab does it.
        dials: (address) => (tabWord(address) === undefined ? true : undefined),
        replica: snapshotThreshold === undefined ? {} : { snapshotThreshold },
      },
      onEvent: (event) => {
        options.onEvent?.(event);
        this.#look();
      },
    };
  }

  #meshParts(): TabLifeOptions['member']['mesh'] {
    const network = this.#network;
    const dial = (address: string, signal: AbortSignal): Promise<Channel> => {
      const word = tabWord(address);
      return word === undefined ? dialNode(address, signal) : network.dial(word, { signal });
    };
    if (network.dialDirect === undefined) return { dial };
    return {
      dial,
      dialDirect: (address, signal) => {
        const word = tabWord(address);
        return word === undefined ? dialNode(address, signal) : network.dialDirect!(word, { signal });
      },
    };
  }
}

/** The peers' door of a member in Node, which must have been told to let tabs in. */
function dialNode(address: string, signal: AbortSignal): Promise<Channel> {
  const scheme = globalThis.location?.protocol === 'https:' ? 'wss' : 'ws';
  return dialWebSocket(`${scheme}://${address}/raft`, { protocol: 'raftkv-peer.v1', signal });
}
