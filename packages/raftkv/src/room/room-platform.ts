// What a runtime gives to a room: how tabs reach each other, where members keep their storage, time, and whether anybody looks at the page. A browser's is in
// `../web/room.ts`; tests bring their own.
import type { Clock } from '@raftkv/replica';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import type { Channel, ChannelPurpose, DialOptions } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import type { RoomKeeping } from './room-keeping.ts';

export interface RoomNetworkOptions {
  readonly roomId: string;
  /** Of the room's link. */
  readonly secret: string;
  /** By which this tab is found. */
  readonly word: string;
  /** Somebody dialled; unstarted. */
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
  /** Others came or went. */
  readonly onPresence: () => void;
}

/** The tabs of one room, as one of them reaches them. */
export interface RoomNetwork {
  /** Words of the others that are there, as the signalling has it. */
  readonly present: readonly string[];
  dial(word: string, options: DialOptions): Promise<Channel>;
  /** Without a relay, where there is one. */
  readonly dialDirect?: (word: string, options: DialOptions) => Promise<Channel>;
  /** The machine may be on another network: for a relay that may be lost. */
  readonly networkChanged?: () => void;
  /** Within the last turn of a page: what was said so far leaves before it answers. Default: it leaves in any case. */
  readonly flush?: () => void;
  close(): void;
}

/** The storage of one member in this profile. */
export interface RoomSlot {
  /** For messages. */
  readonly label: string;
  readonly storage: Storage;
  /** Told why the storage stopped, as when another tab took it over. */
  onFailure: ((error: RaftkvError) => void) | undefined;
  /** Closes the storage and opens it again: what was written is loaded. Rejects with `storage_identity` if another one is in its place by now, and other `storage_*`. */
  reopen(): Promise<RoomSlot>;
  /** Closes the storage: whoever looks next may have it. */
  release(): Promise<void>;
  /** Closes the storage, if it is open, and forgets all of it. If another tab has it by now, or another storage is in its place, that stays as it is. */
  remove(): Promise<void>;
}

/** What there is at one moment. */
export interface FoundSlots {
  /** Opened, and no other tab's until they are released; those that were made first before others. */
  readonly free: readonly RoomSlot[];
  /** Another tab has one. */
  readonly isSomeTaken: boolean;
  /** Why others cannot be opened, each with its label. They are left as they are. */
  readonly unreadable: readonly RaftkvError[];
}

/** What this profile keeps of a room: one storage for each tab that is or was a member, one at a time. */
export interface RoomSlots {
  /** What becomes of what is kept here; as far as is known now. */
  keeping(): RoomKeeping;
  /**
   * Whatever this does to the slots is one step to all tabs of this profile: one at a time. Not within itself. Rejects with `storage_locked` if another tab is at it for
   * 10 s and more.
   */
  alone<Result>(act: () => Promise<Result>): Promise<Result>;
  /** All that hold something. Those that were given before, and neither released nor removed, are passed over. `isPatient`: a page that was just left may have one a moment longer. */
  openFree(options: { readonly isPatient: boolean }): Promise<FoundSlots>;
  create(identity: RequestedIdentity): Promise<RoomSlot>;
  /**
   * What only one tab of this profile is or does at a time: undefined if another one has that claim. It ends with what is answered, or with the tab. `isPatient`: a page
   * that was just left may have it a moment longer. Default false.
   */
  claim(what: string, options?: { readonly isPatient?: boolean }): Promise<(() => void) | undefined>;
}

export interface RoomVigil {
  readonly clock: Clock;
  look(shown: { readonly isShown: boolean }): boolean;
  /** Does at once what was to be done soon. */
  flush(): void;
}

export interface RoomPlatform {
  readonly openNetwork: (options: RoomNetworkOptions) => RoomNetwork;
  readonly openSlots: (roomId: string) => Promise<RoomSlots>;
  readonly clock: Clock;
  /**
   * The clock of one life of a member, which tells when the page did not run for so long: then what was known is worth nothing, and the member begins anew with
   * what is durable. Default: `clock`, which never tells.
   */
  readonly openVigil?: (options: {
    readonly patienceMilliseconds: number;
    readonly onGap: (milliseconds: number) => void;
  }) => RoomVigil;
  /** Drawn by this browser profile, and kept. */
  readonly domain: string;
  readonly isMobile: boolean;
  /** Whether the page is seen now. */
  readonly isVisible: () => boolean;
  /** Told when that changes. Answers what ends it. */
  readonly onVisibility: (listener: () => void) => () => void;
  /** Told within what may be the last turn of the page, for a while or for good; `away`: it was left, and may be gone back to. Answers what ends it. Default: nobody tells. */
  readonly onLeaving?: (listener: (how: 'frozen' | 'away' | 'gone') => void) => () => void;
  /** Told when a page that was `away` is back. Answers what ends it. Default: none comes back. */
  readonly onReturning?: (listener: () => void) => () => void;
  /** Told when the machine may be on another network, or on one again. Answers what ends it. Default: nobody tells. */
  readonly onNetwork?: (listener: () => void) => () => void;
  /** Of the software. */
  readonly version: string;
  /** 32 bits, fresh each time. */
  readonly seed: () => number;
}
