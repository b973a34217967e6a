// What a member in a tab is opened with and what it tells of itself, and the checks that need no browser.
import type { FoundingMember, MemberEvent } from '@raftkv/server';
import type { Clock } from '@raftkv/replica';
import type { Channel } from '@raftkv/transport';
import type { ChannelPurpose, DialOptions } from '@raftkv/transport/web';
import { RaftkvError } from '@raftkv/wire';
import type { MemberPlan } from '@raftkv/wire';
import type { TabPage } from './page-life.ts';

/** How tabs reach each other: an `openBroadcastDoor` or an `openWebRtc`. */
export interface TabNetwork {
  dial(peerId: string, options?: DialOptions): Promise<Channel>;
  dialDirect?(peerId: string, options?: DialOptions): Promise<Channel>;
  /** The machine may be on another network: for a relay that may be lost. */
  networkChanged?(): void;
  close(): void;
}

/** `selfId`: the name of the member, by which others dial it. Channels that others open go to `onChannel`. */
export type OpenTabNetwork = (door: {
  readonly selfId: string;
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
}) => TabNetwork;

export type TabCluster =
  /** Founds a cluster of these tabs, itself among them: all must be open once, at the first start. Each is told the same names. */
  | {
      readonly founders: readonly { readonly name: string; readonly domain?: string }[];
      /** Clusters that share names are told apart by it. Default "raftkv". */
      readonly token?: string;
    }
  /** Is let in by a running cluster: `tab:NAME` for members in tabs, "host:port" for those of Node. */
  | {
      readonly endpoints: readonly string[];
      /** What becomes of it when it has caught up. Default: it votes. */
      readonly plan?: MemberPlan;
    };

export interface TabMemberOptions {
  /** 1 to 64 letters, digits, "-" and "_"; of one that ends with the page 1 to 50. */
  readonly name: string;
  readonly cluster: TabCluster;
  /**
   * `strict`: in IndexedDB, forced to the medium before anything is promised; the member comes back as itself. `memory`: it ends with the page, and the next page
   * is another member under another name, which is `name` and a word drawn for it. Nothing in between: what may be forgotten must not be promised.
   */
  readonly storage: 'strict' | 'memory';
  readonly openNetwork: OpenTabNetwork;
  /** Members of one domain fail together. Default: one that this profile draws once and keeps; several founders say theirs in `founders`, or none. */
  readonly domain?: string;
  /** Take the storage from a tab that holds it and does not answer, such as a frozen one, which can never acknowledge anything from then on. Default false. */
  readonly steal?: boolean;
  /** Default 1 s. The heartbeat is a fifth of it. */
  readonly electionTimeoutMilliseconds?: number;
  /** Entries applied since the last snapshot before another is taken. Default 10,000. */
  readonly snapshotThreshold?: number;
  /** Default: where this runs. */
  readonly page?: TabPage;
  /** Default: the page's clocks and timers. */
  readonly time?: Required<Clock>;
  /** For the log. */
  readonly onEvent?: (event: TabMemberEvent) => void;
}

export type TabMemberEvent =
  | MemberEvent
  /** The tab did not run for so long: what was volatile is gone, and the member begins anew with what is durable. */
  | { readonly type: 'restarting'; readonly milliseconds: number }
  | { readonly type: 'stopped'; readonly error: RaftkvError };

/** A snapshot: another object after each change. */
export interface TabMemberStatus {
  /** `founding`: the other founders are waited for. `stopped`: for good, for the reason in `error` unless it was closed. */
  readonly phase: 'founding' | 'running' | 'restarting' | 'stopped';
  readonly name: string;
  /** `tab:NAME`: under which other members know it. */
  readonly address: string;
  readonly memberId: string;
  /** Undefined: not founded yet. */
  readonly clusterId: string | undefined;
  /** What it is in its cluster; undefined: nothing, or not known yet. */
  readonly standing: 'voter' | 'learner' | undefined;
  readonly isLeader: boolean;
  readonly term: number;
  /** The address of the leader. */
  readonly leader: string | undefined;
  readonly storage: 'strict' | 'memory';
  readonly isHidden: boolean;
  /** 0 while hidden: it does not campaign then, unless a candidate lacks what it has, and hands over what it leads. */
  readonly priority: number;
  /** A Web Lock keeps browsers on desktops from freezing the page, while it votes. */
  readonly isKeptAwake: boolean;
  /** How often it began anew since it was opened. */
  readonly restarts: number;
  readonly error: RaftkvError | undefined;
}

/** Below members of Node, which have 10 unless they are told otherwise. */
export const tabPriorities = { desktop: 5, mobile: 3, hidden: 0 } as const;

/** @throws RaftkvError `invalid_argument`, or `unsupported` for a storage that forgets */
export function checkTabOptions({ name, storage, cluster, electionTimeoutMilliseconds }: TabMemberOptions): void {
  const longest = storage === 'memory' ? 50 : 64;
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]+$/.test(name) || name.length > longest) {
    throw invalid(`the name of a member in a tab has 1 to ${longest} letters, digits, "-" and "_"`);
  }
  if (storage !== 'strict' && storage !== 'memory') {
    throw new RaftkvError(
      'unsupported',
      `storage is ${String(storage)}: a member that comes back must not forget what it promised, so there are strict, and memory for one that does not come back`,
    );
  }
  if (electionTimeoutMilliseconds !== undefined && !(electionTimeoutMilliseconds >= 100)) {
    throw invalid('the election timeout of a member in a tab is 100 ms at least');
  }
  if ('founders' in cluster) checkFounders(name, storage, cluster.founders);
}

function checkFounders(name: string, storage: string, founders: readonly Pick<FoundingMember, 'name'>[]): void {
  if (!founders.some((founder) => founder.name === name)) throw invalid(`${name} is not among the founders`);
  if (storage === 'memory' && founders.length > 1) {
    throw invalid(
      'a member that ends with its page founds alone, and others join it: it could not come back as the one that the other founders know',
    );
  }
}

function invalid(message: string): RaftkvError {
  return new RaftkvError('invalid_argument', message);
}
