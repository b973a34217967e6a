// What a runtime gives to a room: how tabs reach each other, where members keep their storage, time, and whether anybody looks at the page. A browser's is in
// `../web/room.ts`; tests bring their own.
import type { Clock } from '@raftkv/replica';
import type { RequestedIdentity, Storage } from '@raftkv/storage';
import type { Channel, ChannelPurpose, DialOptions } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';

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
  close(): void;
}

/** The storage of one member in this profile. */
export interface RoomSlot {
  /** For messages. */
  readonly label: string;
  readonly storage: Storage;
  /** Told why the storage stopped, as when another tab took it over. */
  onFailure: ((error: RaftkvError) => void) | undefined;
  /** Closes the storage and opens it again: what was written is loaded. */
  reopen(): Promise<RoomSlot>;
  /** Closes the storage, if it is open, and forgets all of it. */
  remove(): Promise<void>;
}

/** What this profile keeps of a room: one storage for each tab that is or was a member, one at a time. */
export interface RoomSlots {
  /** False: nothing is kept, and each start is a new member. */
  readonly isLasting: boolean;
  /** The next one that holds something and that no other tab has; undefined: there is none. Those that were given before and not removed are passed over. */
  reopen(): Promise<RoomSlot | undefined>;
  create(identity: RequestedIdentity): Promise<RoomSlot>;
}

export interface RoomVigil {
  readonly clock: Clock;
  look(shown: { readonly isShown: boolean }): boolean;
  /** Does at once what was to be done soon. */
  flush(): void;
}

export interface RoomPlatform {
  readonly openNetwork: (options: RoomNetworkOptions) => RoomNetwork;
  readonly openSlots: (roomId: string) => RoomSlots;
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
  /** Of the software. */
  readonly version: string;
  /** 32 bits, fresh each time. */
  readonly seed: () => number;
}
