// What the leader of a room sees of its members and of those who could be some: who is there, for how long others have been away or have come no nearer to a vote, and
// whom it does not ask again for a while. Remembers what that takes; looked at by `room-member.ts`, and what follows from it is for `room-policy.ts`.
import type { ReportedMember, TabReport } from './room-message.ts';
import type { RoomMemberView, RoomTab, RoomView } from './room-policy.ts';

/** What a tab says that matters to whoever looks for members. */
export type TabInSight = RoomTab & Pick<TabReport, 'memberId' | 'storeId' | 'clusterId'>;

interface LearnerProgress {
  readonly matchIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly isRecentlyActive: boolean;
}

/** As it is at one moment. */
export interface RoomSight {
  readonly now: number;
  readonly selfId: string;
  readonly clusterId: string | undefined;
  readonly members: readonly ReportedMember[];
  /** Those that are there, this one among them. */
  readonly tabs: readonly TabInSight[];
  readonly commitIndex: number;
  /** How far its log is, as its leader knows. */
  readonly progressOf: (id: string) => LearnerProgress | undefined;
  readonly storeIdOf: (id: string) => string | undefined;
  /** Whether this one said its last word, and is not answered for by itself any more. */
  readonly hasLeft: (id: string, isHere: boolean) => boolean;
}

/** A tab that was let in and did not come is asked again after so long, and twice as long each time. */
const firstBarMilliseconds = 30_000;
const maxBarMilliseconds = 600_000;

export class RoomOverview {
  readonly #goneSince = new Map<string, number>();
  readonly #learning = new Map<string, { readonly matchIndex: number; readonly since: number }>();
  /** By word. */
  readonly #bars = new Map<string, { readonly until: number; readonly patience: number }>();

  look(sight: RoomSight): RoomView {
    const { members, tabs, selfId, clusterId, now } = sight;
    this.#forget(sight);
    const inPlace = members.map((member) => this.#memberView(member, sight));
    const words = new Set(members.map(({ word }) => word));
    return {
      selfId,
      voters: inPlace.filter((_, at) => members[at]!.role === 'voter'),
      learners: inPlace.filter((_, at) => members[at]!.role === 'learner'),
      others: tabs.filter((tab) => {
        const isOurs = tab.clusterId === undefined || tab.clusterId === clusterId;
        const isBarred = now < (this.#bars.get(tab.word)?.until ?? -Infinity);
        return !words.has(tab.word) && tab.memberId === undefined && isOurs && !isBarred;
      }),
    };
  }

  /** Its tab was let in for nothing: it is not asked again at once, while others could have the place. */
  bar(word: string, now: number): void {
    const patience = Math.min((this.#bars.get(word)?.patience ?? firstBarMilliseconds / 2) * 2, maxBarMilliseconds);
    this.#bars.set(word, { until: now + patience, patience });
  }

  #memberView({ id, word, domain, role }: ReportedMember, sight: RoomSight): RoomMemberView {
    const { now, tabs } = sight;
    const storeId = sight.storeIdOf(id);
    // A tab that goes by the same word with another storage is not this member.
    const tab = tabs.find((each) => each.word === word && (storeId === undefined || each.storeId === storeId));
    if (tab !== undefined) this.#goneSince.delete(id);
    else if (!this.#goneSince.has(id)) this.#goneSince.set(id, now);
    const goneMilliseconds = now - (this.#goneSince.get(id) ?? now);
    const isOut = sight.hasLeft(id, tab !== undefined);
    const idleMilliseconds = role === 'learner' ? this.#idle(id, sight) : 0;
    return { id, word, domain, tab, goneMilliseconds, isOut, idleMilliseconds };
  }

  /** One that takes in a snapshot, or that has all there is and waits to be promoted, does what it can. */
  #idle(id: string, { now, commitIndex, progressOf }: RoomSight): number {
    const known = this.#learning.get(id);
    const { matchIndex = 0, state, isRecentlyActive = false } = progressOf(id) ?? {};
    const isBetter = state === 'snapshot' || matchIndex >= commitIndex || matchIndex > (known?.matchIndex ?? 0);
    if (known !== undefined && !(isRecentlyActive && isBetter)) return now - known.since;
    this.#learning.set(id, { matchIndex, since: now });
    return 0;
  }

  /** Of those that are members no more, and of tabs that vote or are away, nothing need be remembered. */
  #forget({ members, tabs, now }: RoomSight): void {
    const ids = new Set(members.map(({ id }) => id));
    for (const known of [this.#goneSince, this.#learning]) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    }
    const here = new Set(tabs.map(({ word }) => word));
    for (const [word, { until }] of this.#bars) {
      const votes = members.some((member) => member.word === word && member.role === 'voter');
      if (votes || (now >= until && !here.has(word))) this.#bars.delete(word);
    }
  }
}
