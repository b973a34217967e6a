// The logs of the members, one under the other, an entry a cell in the colour of its term: filled once it is committed as far as that member knows, hollow
// until then, and with marks for what is durable and what is applied.
import type { CSSProperties, ReactElement } from 'react';
import { formatCount } from '../../model/format.ts';

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

export function LogStrip({ rows, cells }: { readonly rows: readonly LogRow[]; readonly cells: number }): ReactElement {
  const last = Math.max(0, ...rows.map(({ lastIndex }) => lastIndex));
  const first = Math.max(1, last - cells + 1);
  const indexes = Array.from({ length: cells }, (_, at) => first + at);
  const terms = [
    ...new Set(rows.flatMap((row) => indexes.map((index) => termAt(row, index)).filter((term) => term > 0))),
  ];
  return (
    <div className="log-strip">
      <div className="log-axis" aria-hidden="true">
        <span>{formatCount(first)}</span>
        <span>{formatCount(last)}</span>
      </div>
      <ul>
        {rows.map((row) => (
          <li key={row.name} className={`log-row${row.isThere ? '' : ' is-away'}`}>
            <span className="log-name">
              {row.name}
              {row.isSelf && <span className="quiet"> (this tab)</span>}
            </span>
            <span
              className="log-cells"
              style={{ '--cells': cells } as CSSProperties}
              role="img"
              aria-label={`${row.name}: entries up to ${row.lastIndex}, committed up to ${row.commitIndex}, applied up to ${row.appliedIndex}`}
            >
              {indexes.map((index) => (
                <Cell key={index} row={row} index={index} />
              ))}
            </span>
            <span className="log-figures">
              <span title="committed">{formatCount(row.commitIndex)}</span>
              <span className="quiet" title="applied">
                {formatCount(row.appliedIndex)}
              </span>
            </span>
          </li>
        ))}
      </ul>
      <p className="legend">
        {terms
          .toSorted((a, b) => a - b)
          .map((term) => (
            <span key={term}>
              <i className="cell is-committed" style={hueOf(term)} /> term {term}
            </span>
          ))}
        <span>
          <i className="cell is-open" /> not committed
        </span>
        <span>
          <i className="cell is-open is-volatile" /> not durable there
        </span>
        <span>
          <i className="mark" /> commit
        </span>
        <span>
          <i className="mark is-applied" /> applied
        </span>
      </p>
    </div>
  );
}

function Cell({ row, index }: { readonly row: LogRow; readonly index: number }): ReactElement {
  const term = termAt(row, index);
  const isHeld = index <= row.lastIndex && index > 0;
  const state = !isHeld ? 'is-empty' : index <= row.commitIndex ? 'is-committed' : 'is-open';
  const marks = `${index === row.commitIndex ? ' has-commit' : ''}${index === row.appliedIndex ? ' has-applied' : ''}`;
  const volatile = isHeld && index > row.persistedIndex ? ' is-volatile' : '';
  return <i className={`cell ${state}${marks}${volatile}`} style={isHeld ? hueOf(term) : undefined} />;
}

function termAt({ tail, lastIndex }: LogRow, index: number): number {
  return tail[tail.length - 1 - (lastIndex - index)] ?? 0;
}

/** Neighbouring terms are far apart on the colour wheel. */
function hueOf(term: number): CSSProperties {
  return { '--hue': (term * 137.5 + 20) % 360 } as CSSProperties;
}
