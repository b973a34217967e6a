// The room as an app has it, over whatever a runtime gives: founded, or joined by its link. What it does is done by `room.ts`.
import type { Live, LiveKv } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';
import type { RoomDeparture } from './room-departure.ts';
import { decodeRoomLink, drawRoomKey, encodeRoomLink } from './room-link.ts';
import type { RoomKey } from './room-link.ts';
import type { RoomOptions } from './room-options.ts';
import type { RoomPlatform } from './room-platform.ts';
import type { RoomStatus } from './room-status.ts';
import { TabInRoom } from './room.ts';
import type { Unmerged } from './unmerged.ts';

/** Said where something cannot be undone. */
export interface Confirmation {
  readonly confirm: true;
}

export interface GoingOnOptions {
  /** Go on from here though a tab that is there may know more (`quorum.knowsMost`), which is not part of it then. Default false. */
  readonly isLessEnough?: boolean;
}

export interface Room<Value = unknown> {
  /** The store: the same object whatever this tab becomes, observer, learner, voter or leader, also after its page was in the browser's cache. It ends with the room. */
  readonly kv: LiveKv<Value>;
  readonly name: string;
  /** For others to join by. Whoever has it is in the room, and can read and write everything. */
  readonly link: string;
  readonly status: Live<RoomStatus>;
  /**
   * In order: the others let this member go first and take over what it holds, for which it waits up to 5 s. Who is last keeps the data for when it comes back.
   * Answers what stands then (`status.departure` too): nothing of this tab, or a member as before, if too few of the others were there to let it go; that may be opened
   * again, and leave then. Idempotent.
   *
   * @example
   * const { state, words } = await room.leave(); // 'gone' | 'last' | 'owed'
   */
  leave(): Promise<RoomDeparture>;
  /**
   * Founds a room of its own with all that this member's log holds: for when most of the voters are gone for good. Whatever was acknowledged and came to this member is in
   * it, and so is what was still to be agreed. It is of the next epoch, and who comes back of the voters that were is not let in, but told (`supersededBy`);
   * what only those knew is not in it. Ends this room and answers the new one, under the same link. Rejects with `invalid_argument` while the room works, when it
   * went on already, where another tab that is there may know more, or without
   * `confirm`; `busy` while this tab goes on or joins anew already, `closed` after that; `unsupported` in a tab that is no member, or one that has been told nothing yet; `storage_*`, and then the member is as it was.
   *
   * @example
   * ```ts
   * if (room.status.getSnapshot().quorum.state === 'lost' && (await ask('Go on alone?'))) room = await room.goOnFromHere({ confirm: true });
   * ```
   */
  goOnFromHere(confirmation: Confirmation & GoingOnOptions): Promise<Room<Value>>;
  /** Forgets what this tab holds, and joins the room that went on without it, or the best one that is there. Ends this room and answers that one. See `unmerged`.
   * Rejects with `not_found` while no other cluster of this room is there, `busy` while this tab joins anew or goes on already, `closed` after that: then all of it is kept. A storage that cannot be removed then is no member's any more, and
   * `warnings` of the room that is answered say so. */
  joinAnew(confirmation: Confirmation): Promise<Room<Value>>;
  /** What this tab has and the room that went on without it has not. Rejects with `not_found` if nobody of such a room is there. */
  unmerged(): Promise<Unmerged>;
}

/** A room of this tab alone, for others to join. Throws `invalid_argument` for a name that is none, `storage_*`. */
export async function createRoomOn<Value>(
  platform: RoomPlatform,
  options: RoomOptions<Value> & { readonly name: string; readonly base: string },
): Promise<Room<Value>> {
  const key = drawRoomKey(options.name);
  const here = within(platform, options);
  return new OpenRoom(key, options.base, here, await TabInRoom.open(key, here, options, { type: 'found' }));
}

/** Answers when this tab is in the room, which is before anybody else need be there. Throws `invalid_argument` for what is no link, `storage_*`. */
export async function joinRoomOn<Value>(
  platform: RoomPlatform,
  link: string,
  options: RoomOptions<Value> & { readonly base: string },
): Promise<Room<Value>> {
  const key = decodeRoomLink(link);
  const here = within(platform, options);
  return new OpenRoom(key, options.base, here, await TabInRoom.open(key, here, options, { type: 'join' }));
}

function within(platform: RoomPlatform, { inside }: Pick<RoomOptions, 'inside'>): RoomPlatform {
  return inside?.platform?.(platform) ?? platform;
}

class OpenRoom<Value> implements Room<Value> {
  readonly name: string;
  readonly link: string;
  readonly status: Live<RoomStatus>;
  readonly #key: RoomKey;
  readonly #base: string;
  readonly #platform: RoomPlatform;
  readonly #stopWatching: (() => void) | undefined;
  #tab: TabInRoom<Value>;
  #isBack: boolean;
  #returning: Promise<void> | undefined;

  constructor(key: RoomKey, base: string, platform: RoomPlatform, tab: TabInRoom<Value>) {
    this.name = key.name;
    this.link = encodeRoomLink(key, base);
    this.status = tab.status;
    this.#key = key;
    this.#base = base;
    this.#platform = platform;
    this.#tab = tab;
    this.#stopWatching = platform.onReturning?.(() => this.#pageIsBack());
    // It may have been left, and be back, while the room was opened.
    this.#isBack = tab.isAway;
    if (this.#isBack) this.#pageIsBack();
  }

  get kv(): LiveKv<Value> {
    return this.#tab.kv;
  }

  leave(): Promise<RoomDeparture> {
    this.#stopWatching?.();
    return this.#returning === undefined ? this.#tab.leave() : this.#returning.then(() => this.#tab.leave());
  }

  async goOnFromHere(confirmation: Confirmation & GoingOnOptions): Promise<Room<Value>> {
    check(confirmation, 'what only the other voters know is not part of the room that goes on');
    await this.#returning;
    return this.#succeededBy(await this.#tab.goOnFromHere(confirmation));
  }

  async joinAnew(confirmation: Confirmation): Promise<Room<Value>> {
    check(confirmation, 'what this tab holds is forgotten');
    await this.#returning;
    return this.#succeededBy(await this.#tab.joinAnew());
  }

  async unmerged(): Promise<Unmerged> {
    await this.#returning;
    return this.#tab.unmerged();
  }

  #succeededBy(tab: TabInRoom<Value>): Room<Value> {
    this.#stopWatching?.();
    return new OpenRoom(this.#key, this.#base, this.#platform, tab);
  }

  /** A page may be left again while it is on its way back. */
  #pageIsBack(): void {
    this.#isBack = true;
    this.#returning ??= this.#comeBack().finally(() => (this.#returning = undefined));
  }

  async #comeBack(): Promise<void> {
    while (this.#isBack && this.#tab.isAway) {
      this.#isBack = false;
      // What went wrong is in the status, and the tab is not away any more, but gone.
      this.#tab = await this.#tab.comeBack().catch(() => this.#tab);
    }
    this.#isBack = false;
  }
}

function check(confirmation: Confirmation | undefined, what: string): void {
  if (confirmation?.confirm !== true) {
    throw new RaftkvError('invalid_argument', `this cannot be undone, and needs { confirm: true }: ${what}`);
  }
}
