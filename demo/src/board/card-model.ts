// What a card of the board is, and where it is kept: one key for each, so that two people at two cards never meet. Pure.
import type { LiveEntry } from 'raftkv';

export const lanes = ['todo', 'doing', 'done'] as const;
export type Lane = (typeof lanes)[number];
export const laneTitles: Readonly<Record<Lane, string>> = { todo: 'To do', doing: 'Doing', done: 'Done' };

export interface Card {
  readonly title: string;
  readonly lane: Lane;
  /** Cards of a lane in ascending order; what is moved goes to the end. */
  readonly rank: number;
  readonly by: string;
  /** Degrees on the colour wheel: of whoever touched it last. */
  readonly hue: number;
}

export const boardRange = { prefix: 'board/' } as const;
export const maxTitleLength = 200;
/** What a card that is dragged calls itself. */
export const cardType = 'application/x-raftkv-card';

/** Unlikely to be drawn twice, and later ones sort later. */
export function newCardKey(now: number, random: number): string {
  return `${boardRange.prefix}${now.toString(36)}-${Math.floor(random * 36 ** 4)
    .toString(36)
    .padStart(4, '0')}`;
}

/** Whatever another program put under the board's keys is left out, not shown broken. */
export function isCard(value: unknown): value is Card {
  if (typeof value !== 'object' || value === null) return false;
  const { title, lane, rank, by, hue } = value as Partial<Record<keyof Card, unknown>>;
  return (
    typeof title === 'string' &&
    (lanes as readonly unknown[]).includes(lane) &&
    typeof rank === 'number' &&
    typeof by === 'string' &&
    typeof hue === 'number'
  );
}

export type CardRow = LiveEntry<Card>;

export function byLane(rows: readonly LiveEntry[]): Readonly<Record<Lane, readonly CardRow[]>> {
  const sorted: Record<Lane, CardRow[]> = { todo: [], doing: [], done: [] };
  for (const row of rows) if (isCard(row.value)) sorted[row.value.lane].push(row as CardRow);
  for (const lane of lanes) sorted[lane].sort((a, b) => a.value.rank - b.value.rank || (a.key < b.key ? -1 : 1));
  return sorted;
}

/** The rank after all of these. */
export function rankAfter(rows: readonly CardRow[]): number {
  return Math.max(0, ...rows.map((row) => row.value.rank)) + 1;
}

export function neighbourLane(lane: Lane, step: 1 | -1): Lane | undefined {
  return lanes[lanes.indexOf(lane) + step];
}
