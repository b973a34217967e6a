// What a tab that could feed others lets them know, and what they make of it: whom to ask first, and whom not at all.
import type { KeyRange } from '@raftkv/kv';
import { covers } from './key-ranges.ts';

export interface Offer {
  readonly id: string;
  /** Places that are free. */
  readonly room: number;
  /** Who feeds it, and so on up to the one that a member feeds. None: a member feeds it. */
  readonly path: readonly string[];
  /** None = all keys. */
  readonly ranges: readonly KeyRange[];
}

export interface Wish {
  readonly selfId: string;
  readonly ranges: readonly KeyRange[];
  readonly maxDepth: number;
  /** A member feeds this tab already. Such a one goes only below those whose first is named before it: two that went below each other would both be lost. */
  readonly isRoot: boolean;
  readonly mayAsk: (id: string) => boolean;
  readonly random: () => number;
}

/** Longer ones are not made, and not read. */
const maxOfferCharacters = 1_000;

export function writeOffer({ room, path, ranges }: Omit<Offer, 'id'>): string | undefined {
  const text = JSON.stringify([1, room, path, ranges.map(({ from, to }) => (to === undefined ? [from] : [from, to]))]);
  return text.length <= maxOfferCharacters ? text : undefined;
}

/** Undefined for what is none. */
export function readOffer(id: string, text: string): Offer | undefined {
  if (text.length > maxOfferCharacters) return undefined;
  try {
    const [version, room, path, ranges] = JSON.parse(text) as unknown[];
    if (version !== 1 || !Number.isInteger(room) || !isList(path, isText) || !isList(ranges, isRange)) return undefined;
    return { id, room: room as number, path, ranges: ranges.map(([from, to]) => ({ from, to })) };
  } catch {
    return undefined;
  }
}

/** Those to ask, best first: near the cluster, and of those any. */
export function choose(offers: readonly Offer[], wish: Wish): Offer[] {
  return offers
    .filter((offer) => offer.room > 0 && isFit(offer, wish))
    .map((offer) => ({ offer, rank: offer.path.length + wish.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ offer }) => offer);
}

/** Whether it may feed this tab, full or not. */
export function isFit({ id, path, ranges }: Omit<Offer, 'room'>, wish: Wish): boolean {
  const { selfId, maxDepth, isRoot, mayAsk } = wish;
  if (id === selfId || path.includes(selfId) || path.length >= maxDepth) return false;
  if (isRoot && (path.at(-1) ?? id) >= selfId) return false;
  return mayAsk(id) && covers(ranges, wish.ranges);
}

function isList<T>(value: unknown, isElement: (element: unknown) => element is T): value is T[] {
  return Array.isArray(value) && value.every(isElement);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRange(value: unknown): value is [string, string | undefined] {
  return isList(value, isText) && (value.length === 1 || value.length === 2);
}
