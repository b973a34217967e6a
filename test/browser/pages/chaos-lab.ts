// What is in a page of chaos, as a run reaches it: the calls of `chaos-calls.ts`, and what concerns the page itself. One name for both kinds of pages, since what
// is evaluated in a page does not know which one it is.
import type { TabCluster } from 'raftkv/member';
import type { RoomPolicyOptions } from 'raftkv/room';
import type { ChaosCalls } from './chaos-calls.ts';

export interface ChaosTabOptions {
  /** For notes; of a member, its name. */
  readonly name: string;
  /** Of signals, and of frames where no direct way leads. */
  readonly relay: string;
  /** Where what the member tells of itself is sent at once, so that it is known whatever becomes of the page. */
  readonly notes?: string;
  /** How `get` reads. `local` is there to show that the judge objects to it. Default `linearizable`. */
  readonly reads?: 'linearizable' | 'local';
  readonly electionTimeoutMilliseconds?: number;
  readonly snapshotThreshold?: number;
  /** A member of `raftkv/member`. */
  readonly member?: {
    readonly cluster: TabCluster;
    readonly room: string;
    /**
     * `webrtc`: as a room does. `websocket`: by the relay alone, which is a WebSocket for each tab. `broadcast`: tabs of one profile, which need neither.
     * Default `webrtc`.
     */
    readonly way?: 'webrtc' | 'websocket' | 'broadcast';
    readonly steal?: boolean;
  };
  /** A tab in a room of `raftkv/room`. `link` undefined: it is made. */
  readonly room?: { readonly link: string | undefined; readonly policy: RoomPolicyOptions };
}

/** How things are in a page, as it says. */
export interface TabSight {
  /** As it is called among the members. */
  readonly self: string;
  readonly phase: string;
  readonly standing: string | undefined;
  readonly isLeader: boolean;
  readonly term: number;
  /** Whoever follows the same one says the same. */
  readonly leader: string | undefined;
  readonly priority: number;
  readonly cluster: string | undefined;
  /** The code of what went wrong. */
  readonly error: string | undefined;
}

export interface ChaosLab extends ChaosCalls {
  /** Undefined, or the code of what it was refused with. */
  open(options: ChaosTabOptions): Promise<string | undefined>;
  /** In order. The page stays. */
  leave(): Promise<void>;
  /** Of the room that is open. */
  link(): string;
  status(): TabSight;
  isHidden(): boolean;
  members(): Promise<{
    readonly isChanging: boolean;
    readonly members: readonly { readonly name: string; readonly role: string }[];
  }>;
  /** Ways to the others are gone, or there again: the direct ones, and the relay. */
  sever(links: boolean, relay: boolean): void;
  /** Each message comes up to so much later; 0: no more. */
  slowDown(milliseconds: number): void;
  /** Nothing passes, and all of it comes at the end. */
  silence(isSilent: boolean): void;
}

declare global {
  // Seen by the functions that a run evaluates in the page.
  var chaosLab: ChaosLab;
}
