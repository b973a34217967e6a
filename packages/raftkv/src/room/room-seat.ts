// The place of a tab among the members of its room: empty, or taken by a member that was founded, let in, found again, or revived after the page did not run. Each
// change of that is made here; what it means for the app and the others is for `room.ts`.
import { writeRemovalNote } from '@raftkv/server';
import { drawStoreId } from '@raftkv/storage';
import type { Channel, ChannelPurpose } from '@raftkv/transport';
import { RaftkvError, decodeConfiguration } from '@raftkv/wire';
import type { AdminResult } from '@raftkv/wire';
import { fromHex, toHex } from './hex.ts';
import { isUnusable, setAsideFor } from './room-beginning.ts';
import { goOnHome } from './room-going-on.ts';
import type { GoneOn } from './room-going-on.ts';
import { forgetSlot, joinHome, nameOf, reviveHome } from './room-home.ts';
import type { RoomHome } from './room-home.ts';
import { RoomMember } from './room-member.ts';
import type { RoomMemberOptions } from './room-member.ts';
import type { RoomMessage, TabReport } from './room-message.ts';
import { firstLineage } from './room-note.ts';
import type { RoomLineage } from './room-note.ts';
import type { RoomPlatform, RoomSlots } from './room-platform.ts';

export interface RoomSeatOptions extends Pick<
  RoomMemberOptions,
  'network' | 'policy' | 'electionTimeoutMilliseconds' | 'tabs' | 'onChange' | 'inside'
> {
  readonly word: string;
  readonly slots: RoomSlots;
  readonly platform: RoomPlatform;
  readonly priority: () => number;
  readonly send: (word: string, message: RoomMessage) => void;
  /** What is wrong with a storage that is left as it is. */
  readonly onSetAside: (error: RaftkvError) => void;
  /** None is let in any more. */
  readonly isOver: () => boolean;
}

export interface HowToLeave {
  readonly isInTime: () => boolean;
  /** Who could let this member go. */
  readonly isAnybodyThere: () => boolean;
}

/** Between two looks whether a member that is on its way is there. */
const lookMilliseconds = 50;

export class RoomSeat {
  readonly #options: RoomSeatOptions;
  #member: RoomMember | undefined;
  #isBecoming = false;
  /** Another member is on its way until then, let in or revived. */
  #becoming: Promise<void> = Promise.resolve();
  /** None is taken any more, and one that is on its way is taken apart when it is there. */
  #isStopped = false;
  #endPause: () => void = () => undefined;
  /** What is kept of a member, whether it runs or not. */
  #kept: RoomHome | undefined;
  /** One that ended is taken apart until then. */
  #ending: Promise<void> = Promise.resolve();
  /** Of the member, or drawn for the one that this tab would become. */
  storeId: string = drawStoreId();
  /** Once known it stays: another cluster is another room. */
  clusterId: string | undefined;
  lineage: RoomLineage = firstLineage;
  /** Why this tab is no member any more, or could not be one; until it is one again. */
  error: RaftkvError | undefined;

  constructor(options: RoomSeatOptions) {
    this.#options = options;
  }

  get member(): RoomMember | undefined {
    return this.#member;
  }

  /** There is a member of this tab, though it may not run. */
  get isKept(): boolean {
    return this.#kept !== undefined;
  }

  /** What is kept is free for who looks next; the member that had it has ended. */
  async release(): Promise<void> {
    await this.#kept?.slot.release();
  }

  /** What is kept is forgotten; the member that had it has ended. Answers what is wrong with what is left of it. */
  async forget(): Promise<RaftkvError | undefined> {
    const { slot } = this.#kept ?? {};
    this.#kept = undefined;
    try {
      if (slot !== undefined) await forgetSlot(this.#options.slots, slot);
      return undefined;
    } catch (error) {
      return setAsideFor(slot!, RaftkvError.from(error));
    }
  }

  /** Nobody waits for the pause after a dial that came to nothing. */
  networkChanged(): void {
    this.#options.network.networkChanged?.();
    this.#member?.engine.mesh.networkChanged();
  }

  /** Rejects with `storage_*`. */
  async take(home: RoomHome): Promise<void> {
    const { platform, priority, onChange } = this.#options;
    const member = await RoomMember.open({
      ...this.#options,
      home,
      platform,
      priority: priority(),
      onAdmitted: (word, result) => this.#tellAdmitted(word, result),
      onRemoved: (word, removed) => this.#options.send(word, { type: 'removed', ...removed }),
      onHalt: (error) => this.#ended(home, error),
      onGap: () => this.#revive(home),
    });
    this.#kept = home;
    if (this.#isStopped) return member.close();
    this.#have(member);
    this.error = undefined;
    this.storeId = home.home.stored.identity.storeId;
    this.clusterId = member.clusterId;
    this.lineage = home.note.lineage;
    onChange();
  }

  /** From another member, or for one. */
  accept(channel: Channel, purpose: Exclude<ChannelPurpose, 'room'>): void {
    const member = this.#member;
    if (member !== undefined && purpose === 'peer') return member.accept(channel);
    if (member !== undefined) return member.serve(channel);
    channel.start({ onFrame: () => undefined, onClose: () => undefined });
    channel.close(new RaftkvError('busy', 'this tab is no member at the moment'));
  }

  hear(from: string, message: Exclude<RoomMessage, TabReport>): void {
    if (message.type === 'removed') this.#removed(message);
    else if (message.type === 'admitted') this.admitted(message);
    else if (message.voice !== undefined) this.#member?.take(from, message.voice);
  }

  /** The leader says that this tab is a member now. */
  admitted(message: Extract<RoomMessage, { readonly type: 'admitted' }>): void {
    const { clusterId, memberId, configuration, configurationIndex, lineage } = message;
    const isOurs = this.clusterId === undefined || this.clusterId === clusterId;
    if (this.#member !== undefined || this.#isBecoming || this.#options.isOver() || !isOurs) return;
    const held = decodeConfiguration(fromHex(configuration));
    // The storage that was let in may be given up here since: a member with another one would be taken for one that lost what it promised.
    if (held.members?.find(({ id }) => id === memberId)?.storeId !== this.storeId) return;
    const { word, slots, platform } = this.#options;
    const identity = { clusterId, memberId, memberName: nameOf(word), storeId: this.storeId };
    const admission = { identity, configuration: held, configurationIndex };
    this.#become(async () =>
      this.#takeNew(await joinHome(slots, { word, domain: platform.domain }, admission, lineage)),
    );
  }

  /** Nothing was promised with this storage yet: where there is no member of it after all, nothing is kept. */
  async #takeNew(home: RoomHome): Promise<void> {
    try {
      await this.take(home);
    } catch (error) {
      await home.slot.remove().catch(() => undefined);
      throw error;
    }
    if (!this.#isStopped || this.#member?.home === home) return;
    this.#kept = undefined;
    await home.slot.remove().catch(() => undefined);
  }

  #become(act: () => Promise<void>): void {
    this.#isBecoming = true;
    this.#becoming = act()
      .catch((error: unknown) => this.#notThere(error))
      .finally(() => (this.#isBecoming = false));
  }

  /** Another member says that this one was removed. */
  #removed({ clusterId, memberId }: Extract<RoomMessage, { readonly type: 'removed' }>): void {
    const member = this.#member;
    if (member === undefined || member.id !== memberId || member.clusterId !== clusterId) return;
    this.#ended(member.home, new RaftkvError('member_removed', 'this member was removed from the room'));
  }

  /**
   * Resolves once this member was let go and its storage is forgotten, or there is no more time, or nobody who could let it go. One that is on its way is waited for: what is kept
   * depends on it. From then on none is taken.
   */
  async leave({ isInTime, isAnybodyThere }: HowToLeave): Promise<void> {
    for (;;) {
      await this.#became(isInTime);
      const member = this.#member;
      const isWanted = (): boolean => this.#member === member && isInTime() && isAnybodyThere();
      if (member === undefined || !isWanted()) break;
      if (!(await member.removed(isWanted))) continue;
      this.#have(undefined);
      this.#kept = undefined;
      // What cannot be removed is nobody's, and gone at the next start.
      await forget(member).catch(() => undefined);
    }
    await this.stop();
  }

  /** Resolves when none is on its way and what ended is taken apart. The member that is there goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause();
    await this.#becoming;
    await this.#ending;
  }

  /** No member is on its way, or there is no more time. */
  async #became(isInTime: () => boolean): Promise<void> {
    const { clock } = this.#options.platform;
    const became = this.#becoming.then(() => true);
    const later = (): Promise<false> =>
      new Promise((resolve) => void clock.schedule(() => resolve(false), lookMilliseconds));
    while (!(await Promise.race([became, later()])) && isInTime());
  }

  /**
   * The member ends, and leaves what its log holds to a room of one, which is answered with what was left for it. Rejects with `storage_*`, `unsupported` (its log is empty); then the member is
   * revived.
   */
  async goOn(clusterId: string): Promise<GoneOn> {
    const member = this.#member!;
    const { slots, word, platform } = this.#options;
    this.#have(undefined);
    this.#isBecoming = true;
    try {
      // From this moment on it neither votes nor acknowledges, and its log stays as it is; what was under way to its storage is there when that is closed.
      member.giveVoice();
      const agreedIndex = member.engine.replica.status().raft.commitIndex;
      await member.close();
      const self = { word, domain: platform.domain };
      return await goOnHome({ slots, self, clusterId, former: member.home, agreedIndex, clock: platform.clock });
    } catch (error) {
      this.#become(() => this.#comeBack(member.home));
      throw error;
    }
  }

  #have(member: RoomMember | undefined): void {
    this.#member = member;
    this.#options.inside.onMember?.(member?.engine);
  }

  #tellAdmitted(word: string, { members: { clusterId, index }, memberId, configuration }: AdminResult): void {
    if (memberId === undefined || configuration === undefined) return;
    const said = { clusterId, memberId, configuration: toHex(configuration), configurationIndex: index };
    this.#options.send(word, { type: 'admitted', ...said, lineage: this.lineage });
  }

  /**
   * The member cannot go on. One that was removed is forgotten; others keep their storage, and one that was found to be a copy is told of, since it may be the one that was
   * copied. This tab goes on as an observer, which may be let in again.
   */
  #ended(home: RoomHome, error: RaftkvError): void {
    const member = this.#member;
    if (error.code !== 'member_removed') this.error = error;
    if (member?.home !== home) return this.#options.onChange();
    this.#have(undefined);
    this.storeId = drawStoreId();
    this.#setAside(home, error);
    if (isForgotten(error) || isUnusable(error)) this.#kept = undefined;
    this.#ending = (isForgotten(error) ? forget(member) : member.close().catch(() => undefined))
      .catch((failure: unknown) => void (this.error = RaftkvError.from(failure)))
      .then(() => this.#options.onChange());
    this.#options.onChange();
  }

  /** The page did not run for a while. */
  #revive(home: RoomHome): void {
    const member = this.#member;
    if (member?.home !== home || this.#isStopped) return;
    this.#have(undefined);
    this.#become(async () => {
      await member.close().catch(() => undefined);
      await this.#comeBack(home);
    });
  }

  /**
   * The same member once more, with what is durable. If that fails it is tried again for a while, since a storage may be held up; meanwhile it is away, to the others too,
   * and gives way like any other.
   */
  async #comeBack(home: RoomHome): Promise<void> {
    const { platform, slots } = this.#options;
    for (const pause of revivalPauses) {
      try {
        await this.take(await slots.alone(() => reviveHome(home, platform.domain)));
        break;
      } catch (error) {
        this.#notThere(error);
        this.#setAside(home, error);
        if (isForgotten(error) || isUnusable(error)) this.#kept = undefined;
        if (isForgotten(error)) await home.slot.remove().catch(() => undefined);
        if (!isPassing(error) || pause === undefined || this.#isStopped) break;
      }
      await new Promise<void>((resolve) => {
        this.#endPause = resolve;
        platform.clock.schedule(resolve, pause);
      });
      if (this.#isStopped) break;
    }
  }

  #setAside({ slot }: RoomHome, error: unknown): void {
    if (isUnusable(error)) this.#options.onSetAside(setAsideFor(slot, error));
  }

  /** Whoever the leader takes for this tab by its storage is not here: it is to be missed, and not to be waited for. */
  #notThere(error: unknown): void {
    this.storeId = drawStoreId();
    this.error = RaftkvError.from(error);
    this.#options.onChange();
  }
}

/** It was removed for certain. Its storage says so before it goes: whatever comes of that, nobody takes it for a member's any more. */
async function forget(member: RoomMember): Promise<void> {
  await writeRemovalNote(member.engine.storage, 'this member was removed from the room').catch(() => undefined);
  await member.close().catch(() => undefined);
  await member.home.slot.remove();
}

/** After each failed attempt to open a member again; none after the last one. */
const revivalPauses = [1_000, 2_000, 4_000, 8_000, undefined] as const;

/** Its storage is of no more use to anybody. */
export function isForgotten(error: unknown): boolean {
  return RaftkvError.from(error).code === 'member_removed';
}

function isPassing(error: unknown): boolean {
  const { code } = RaftkvError.from(error);
  return code === 'storage_locked' || code === 'storage_failed' || code === 'storage_full';
}
