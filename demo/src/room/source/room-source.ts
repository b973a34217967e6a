// What the page of a room is built on: one interface, so that the view does not know how a room is made. Implemented by `tab-room.ts` over `raftkv/room`.
import type { Live, LiveKv } from 'raftkv';
import type { Unmerged } from 'raftkv/room';
import type { MessageKind } from '../core/core-watch.ts';
import type { Faults } from '../faults/faults.ts';
import type { HubMessage } from './hub.ts';
import type { RoomView } from './room-view.ts';

/** A message between two members, as it was seen here or told. */
export interface Flight {
  readonly from: string;
  readonly to: string;
  readonly kind: MessageKind;
  /** How many it stands for. */
  readonly count: number;
  readonly isLost: boolean;
}

export interface RoomNote {
  readonly tone: 'good' | 'plain' | 'bad';
  readonly text: string;
}

export interface RoomSource {
  readonly view: Live<RoomView>;
  /** What happened, in words. */
  readonly notes: { listen(listener: (note: RoomNote) => void): () => void };
  readonly flights: { listen(listener: (flight: Flight) => void): () => void };
  /** The store, as any app in the room has it, and another one once the room went on. Undefined before this tab is in the room. */
  readonly kv: LiveKv | undefined;
  readonly faults: Faults;
  /** To the other tabs, beside the store. */
  say(message: HubMessage): void;
  listen(listener: (message: HubMessage) => void): () => void;
  /** Drops the member as if its tab had died, and starts it again with what is on the disk. */
  kill(): Promise<void>;
  /** Forgets what this tab has kept, and comes back as a new member. */
  loseStorage(): Promise<void>;
  /** In order: the others let this tab go. */
  leave(): Promise<void>;
  /** Without the majority, which is gone: see `Room.goOnFromHere`. Rejects where the room has another way, and then nothing has changed. */
  goOnFromHere(options: { readonly isLessEnough: boolean }): Promise<void>;
  /** What only this tab has, where the room went on without it. */
  unmerged(): Promise<Unmerged>;
  /** To the room that went on. What only this tab has is forgotten. */
  joinAnew(): Promise<void>;
  /** The flight recording of this tab's member. */
  trace(): string | undefined;
  /** For who opens the page in another browser. */
  readonly invitations: Invitations;
  close(): Promise<void>;
}

/** Two pages that share no server: a code goes there, a code comes back. */
export interface Invitations {
  /** Bridges to other browsers that stand. */
  readonly bridges: Live<number>;
  /** A code for the other page, and what takes the answer. */
  invite(): Promise<{ readonly code: string; readonly accept: (answer: string) => Promise<void> }>;
}
