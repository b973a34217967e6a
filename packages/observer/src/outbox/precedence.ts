// In which order kept writes go that meet in one tab: by the time of their making, whichever tab made them. What a tab writes itself is ordered by its queue;
// this is about what it inherits while it has something to say on the same keys, or has said it. It holds what is open, and sends nothing.
import type { Key, KeyRange } from '@raftkv/kv';
import type { Item, Reach } from './item.ts';

/** `late`: it goes before others that wait already. `overtaken`: something that was made later is sent, so it may not go by itself. */
export type Place = 'in line' | 'late' | 'overtaken';

/** Of so many keys, and ranges, is known when the newest write to them was made; the oldest are forgotten. */
const maxRemembered = 10_000;
const maxRememberedRanges = 100;

export class Precedence {
  readonly #open = new Set<Item>();
  readonly #byKey = new Map<Key, Set<Item>>();
  readonly #ranged = new Set<Item>();
  readonly #late = new Set<Item>();
  /** Of what this tab has sent. */
  readonly #sentAt = new Map<Key, number>();
  #sentRanges: { readonly range: KeyRange; readonly at: number }[] = [];

  /** Some are open that others must let pass. */
  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  placeOf(made: Pick<Item, 'reach' | 'at'>): Place {
    const newer = this.#meeting(made.reach).filter(
      ({ at, failure, isDiscarded }) => at > made.at && failure?.definite !== true && !isDiscarded,
    );
    if (this.#newestSent(made.reach) > made.at || newer.some(({ mark }) => mark !== undefined)) return 'overtaken';
    return newer.length > 0 ? 'late' : 'in line';
  }

  enter(item: Item, place: Place = 'in line'): void {
    this.#open.add(item);
    if (item.reach.ranges.length > 0) this.#ranged.add(item);
    for (const key of item.reach.keys) {
      const meeting = this.#byKey.get(key) ?? new Set();
      this.#byKey.set(key, meeting.add(item));
    }
    if (place === 'late') this.#late.add(item);
  }

  leave(item: Item): void {
    this.#open.delete(item);
    this.#ranged.delete(item);
    this.#late.delete(item);
    for (const key of item.reach.keys) {
      const meeting = this.#byKey.get(key);
      meeting?.delete(item);
      if (meeting?.size === 0) this.#byKey.delete(key);
    }
  }

  /** It is about to be sent. */
  sent({ reach, at }: Item): void {
    for (const key of reach.keys) {
      const newest = Math.max(at, this.#sentAt.get(key) ?? 0);
      this.#sentAt.delete(key);
      this.#sentAt.set(key, newest);
    }
    for (const key of this.#sentAt.keys()) {
      if (this.#sentAt.size <= maxRemembered) break;
      this.#sentAt.delete(key);
    }
    const ranges = reach.ranges.map((range) => ({ range, at }));
    if (ranges.length > 0) this.#sentRanges = [...this.#sentRanges, ...ranges].slice(-maxRememberedRanges);
  }

  /** One that is to be sent, or to have ended, before this one. One that was overtaken never goes, and may itself wait for what comes after this one. */
  before(item: Item): Item | undefined {
    if (this.#late.size === 0) return undefined;
    const isLate = this.#late.has(item);
    const isBefore = (other: Item): boolean =>
      other !== item && other.at < item.at && other.isOpen && !other.isOvertaken && (isLate || this.#late.has(other));
    return this.#meeting(item.reach).find(isBefore);
  }

  /** What is open on the same keys. */
  #meeting(reach: Reach): Item[] {
    if (reach.ranges.length > 0) return [...this.#open].filter((other) => doMeet(reach, other.reach));
    const meeting = new Set<Item>();
    for (const key of reach.keys) for (const item of this.#byKey.get(key) ?? []) meeting.add(item);
    for (const item of this.#ranged) if (doMeet(reach, item.reach)) meeting.add(item);
    return [...meeting];
  }

  #newestSent(reach: Reach): number {
    let newest = 0;
    for (const key of reach.keys) newest = Math.max(newest, this.#sentAt.get(key) ?? 0);
    if (reach.ranges.length > 0) {
      for (const [key, at] of this.#sentAt) if (isIn(reach.ranges, key)) newest = Math.max(newest, at);
    }
    for (const { range, at } of this.#sentRanges) {
      if (doMeet(reach, { keys: new Set(), ranges: [range] })) newest = Math.max(newest, at);
    }
    return newest;
  }
}

function doMeet(one: Reach, other: Reach): boolean {
  const [few, many] = one.keys.size <= other.keys.size ? [one, other] : [other, one];
  for (const key of few.keys) if (many.keys.has(key)) return true;
  for (const key of one.keys) if (isIn(other.ranges, key)) return true;
  for (const key of other.keys) if (isIn(one.ranges, key)) return true;
  return one.ranges.some((range) => other.ranges.some((another) => isBelow(range, another) && isBelow(another, range)));
}

function isIn(ranges: readonly KeyRange[], key: Key): boolean {
  return ranges.some(({ from, to }) => from <= key && (to === undefined || key < to));
}

/** The first begins before the second ends. */
function isBelow({ from }: KeyRange, { to }: KeyRange): boolean {
  return to === undefined || from < to;
}
