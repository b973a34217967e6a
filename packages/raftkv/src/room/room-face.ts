// What an app holds of its tab's place in a room: the copy that it reads, and the status. It stays while the tab is away, as a page is in the browser's cache, and
// serves on with the place that the tab has when it comes back. Made and turned by `room.ts`.
import type { LiveKv } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import { openReplica } from '@raftkv/observer';
import type { Clock } from '@raftkv/replica';
import type { Channel } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import { anyMember } from './dial-member.ts';
import type { RoomKey } from './room-link.ts';
import type { RoomOptions } from './room-options.ts';
import { keepInRoom } from './room-outbox.ts';
import type { RoomPlatform } from './room-platform.ts';
import type { RoomStatus } from './room-status.ts';

/** The place that the tab has now. */
export interface TabBehind {
  readonly clusterId: string | undefined;
  /** Rejects with `connect_failed` while there is nobody to ask. */
  dial(endpoint: string, signal: AbortSignal): Promise<Channel>;
}

/** With what a tab is in a room. */
export interface TabParts<Value> {
  readonly key: RoomKey;
  readonly platform: RoomPlatform;
  readonly options: RoomOptions<Value>;
  /** What is wrong with storages that were passed over. */
  readonly setAside: RaftkvError[];
}

export class RoomFace<Value = unknown> {
  readonly status: LiveValue<RoomStatus>;
  #kv: LiveKv<Value> | undefined;
  #tab: TabBehind;

  constructor(tab: TabBehind, status: RoomStatus) {
    this.#tab = tab;
    this.status = new LiveValue(status);
  }

  /** Undefined: not open yet. */
  get kv(): LiveKv<Value> | undefined {
    return this.#kv;
  }

  /** What one that has no place any more says of itself is not shown. */
  show(tab: TabBehind, status: RoomStatus): void {
    if (this.#tab !== tab) return;
    if (JSON.stringify(status) !== JSON.stringify(this.status.getSnapshot())) this.status.set(status);
  }

  /** There is no place to come back to. */
  async end(tab: TabBehind, status: RoomStatus): Promise<void> {
    this.show(tab, status);
    await this.#kv?.close();
  }

  /** From now on this is the place. Opens the copy, the first time. */
  async turnTo(tab: TabBehind, key: RoomKey, clock: Clock, options: RoomOptions<Value>): Promise<void> {
    this.#tab = tab;
    const { codec, requestTimeoutMilliseconds, outbox } = options;
    this.#kv ??= await openReplica<Value>({
      endpoints: [anyMember],
      dial: (endpoint, { signal }) => this.#tab.dial(endpoint, signal),
      clock,
      ...(codec === undefined ? {} : { codec }),
      ...(requestTimeoutMilliseconds === undefined ? {} : { requestTimeoutMilliseconds }),
      ...(outbox && { outbox: keepInRoom(outbox, key, () => this.#tab.clusterId) }),
    });
  }
}
