// The last entries of the members' logs as cells: which of them there are, and what is to be seen of each entry at each member. Pure; drawn by `log-strip.tsx`.

export interface LogRow {
  readonly name: string;
  readonly isSelf: boolean;
  readonly isThere: boolean;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly persistedIndex: number;
  /** Terms of the last entries, the oldest first. */
  readonly tail: readonly number[];
}

export interface LogCell {
  /** `folded`: in the snapshot, so that the member does not know its term any more. */
  readonly state: 'empty' | 'folded' | 'committed' | 'open';
  /** 0: empty, or folded. */
  readonly term: number;
  /** It is the last one of these as far as the member knows. */
  readonly isCommit: boolean;
  readonly isApplied: boolean;
  /** The member has it, but not on its disk. */
  readonly isVolatile: boolean;
}

export function cellAt(row: LogRow, index: number): LogCell {
  const { lastIndex, commitIndex, appliedIndex, persistedIndex, tail } = row;
  const isHeld = index > 0 && index <= lastIndex;
  const term = isHeld ? (tail[tail.length - 1 - (lastIndex - index)] ?? 0) : 0;
  const held = index <= commitIndex ? 'committed' : 'open';
  return {
    state: !isHeld ? 'empty' : term === 0 ? 'folded' : held,
    term,
    isCommit: index === commitIndex && index > 0,
    isApplied: index === appliedIndex && index > 0,
    isVolatile: isHeld && index > persistedIndex,
  };
}

/** Indexes of so many cells, up to the last entry that anybody has. */
export function cellIndexes(rows: readonly LogRow[], cells: number): readonly number[] {
  const last = Math.max(0, ...rows.map(({ lastIndex }) => lastIndex));
  const first = Math.max(1, last - cells + 1);
  return Array.from({ length: cells }, (_, at) => first + at);
}
