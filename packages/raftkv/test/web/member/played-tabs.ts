// Tabs that are played: pages with the events that a test makes, clocks that jump as if the tab had not run, and a network between them that is memory. The members in them are
// real. Used by the suites of members in tabs.
import { RaftkvError } from '@raftkv/wire';
import { connect } from '@raftkv/client';
import type { ClusterKv } from '@raftkv/client';
import { memoryChannelPair } from '@raftkv/transport';
import type { MemoryChannelPair } from '@raftkv/transport';
import { openTabMember } from '../../../src/web/member/index.ts';
import type { OpenTabNetwork, TabMember, TabMemberOptions, TabPage } from '../../../src/web/member/index.ts';
import { pageClock } from '../../../src/web/member/vigil.ts';

/** The channels between tabs, by the name that they dial. */
export class PlayedNetwork {
  readonly #doors = new Map<string, Parameters<OpenTabNetwork>[0]>();
  readonly #pairs = new Set<MemoryChannelPair & { readonly ends: readonly string[] }>();
  readonly #asleep = new Set<string>();

  readonly open: OpenTabNetwork = (door) => {
    this.#doors.set(door.selfId, door);
    return {
      dial: async (peerId, { purpose = 'peer' } = {}) => {
        const there = this.#doors.get(peerId);
        if (there === undefined || [peerId, door.selfId].some((name) => this.#asleep.has(name))) {
          throw new RaftkvError('connect_failed', `no tab goes by the name of ${peerId}`);
        }
        const pair = memoryChannelPair();
        this.#pairs.add({ ...pair, ends: [door.selfId, peerId] });
        there.onChannel(pair.right, door.selfId, purpose);
        return pair.left;
      },
      close: () => void this.#doors.delete(door.selfId),
    };
  };

  /** The tab is gone, or does not run: nothing reaches it, and nothing comes from it. */
  cut(name: string): void {
    this.#asleep.add(name);
    for (const pair of this.#pairs) if (pair.ends.includes(name)) pair.cut();
  }

  mend(name: string): void {
    this.#asleep.delete(name);
  }
}

type PlayedOptions = Pick<TabMemberOptions, 'name' | 'cluster'> &
  Partial<TabMemberOptions> & { readonly isMobile?: boolean };

export class PlayedTab {
  readonly member: TabMember;
  readonly kv: ClusterKv<unknown>;
  readonly #page: PlayedPage;

  private constructor(member: TabMember, page: PlayedPage) {
    this.member = member;
    this.#page = page;
    this.kv = connect({ endpoints: [member.address], dial: member.dial });
  }

  static async open(
    network: PlayedNetwork,
    { isMobile = false, ...options }: PlayedOptions,
    isHidden = false,
  ): Promise<PlayedTab> {
    const page = new PlayedPage(isHidden, isMobile);
    const member = await openTabMember({
      storage: 'memory',
      openNetwork: network.open,
      electionTimeoutMilliseconds: 300,
      page,
      time: page.time,
      ...options,
    });
    return new PlayedTab(member, page);
  }

  get locks(): readonly string[] {
    return [...this.#page.held];
  }

  /** Resolves as soon as its status satisfies. */
  until(isWanted: (status: ReturnType<TabMember['status']>) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isWanted(this.member.status())) return;
        unsubscribe();
        resolve();
      };
      const unsubscribe = this.member.onChange(look);
      look();
    });
  }

  hide(): void {
    this.#page.see('hidden');
  }
  show(): void {
    this.#page.see('visible');
  }
  say(type: 'freeze' | 'resume' | 'pagehide'): void {
    this.#page.say(type);
  }
  /** Out of the cache of pages that were left. */
  restore(): void {
    this.#page.say('pageshow', { persisted: true });
  }
  /** For so long it did not run: by the wall clock alone where the monotonic one stood still with the machine. */
  sleep(milliseconds: number, clocks: 'both' | 'wall' = 'both'): void {
    this.#page.slept.wall += milliseconds;
    if (clocks === 'both') this.#page.slept.monotonic += milliseconds;
  }

  async close(): Promise<void> {
    await this.kv.close();
    await this.member.close();
  }
}

export class PlayedPage implements TabPage {
  readonly isMobile: boolean;
  readonly window = new EventTarget();
  readonly document: EventTarget & { visibilityState: DocumentVisibilityState };
  readonly held = new Set<string>();
  readonly slept = { wall: 0, monotonic: 0 };
  readonly locks = {
    request: async (name: string, hold: () => Promise<void>) => {
      this.held.add(name);
      await hold();
      this.held.delete(name);
    },
  } as unknown as NonNullable<TabPage['locks']>;
  readonly time: ReturnType<typeof pageClock>;

  constructor(isHidden: boolean, isMobile = false) {
    this.isMobile = isMobile;
    this.document = Object.assign(new EventTarget(), {
      visibilityState: (isHidden ? 'hidden' : 'visible') as DocumentVisibilityState,
    });
    const real = pageClock();
    this.time = {
      ...real,
      now: () => real.now() + this.slept.monotonic,
      wallNow: () => real.wallNow() + this.slept.wall,
    };
  }

  see(state: DocumentVisibilityState): void {
    this.document.visibilityState = state;
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  say(type: string, details: object = {}): void {
    const target = type.startsWith('page') ? this.window : this.document;
    target.dispatchEvent(Object.assign(new Event(type), details));
  }
}
