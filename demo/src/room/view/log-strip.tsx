// The logs of the members, one under the other, an entry a cell in the colour of its term: filled once it is committed as far as that member knows, hollow
// until then, and with marks for what is durable and what is applied.
import type { CSSProperties, ReactElement } from 'react';
import { formatCount } from '../../model/format.ts';
import { cellAt, cellIndexes } from './log-cells.ts';
import type { LogCell, LogRow } from './log-cells.ts';

export function LogStrip({ rows, cells }: { readonly rows: readonly LogRow[]; readonly cells: number }): ReactElement {
  const indexes = cellIndexes(rows, cells);
  const shown = new Map(rows.map((row) => [row.name, indexes.map((index) => cellAt(row, index))]));
  const all = [...shown.values()].flat();
  const terms = [...new Set(all.map(({ term }) => term))].filter((term) => term > 0);
  const last = Math.max(0, ...rows.map(({ lastIndex }) => lastIndex));
  return (
    <div className="log-strip">
      <div className="log-axis" aria-hidden="true">
        <span>{formatCount(indexes[0] ?? 1)}</span>
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
              {shown.get(row.name)!.map((cell, at) => (
                <Cell key={indexes[at]} cell={cell} />
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
        {all.some(({ state }) => state === 'folded') && (
          <span>
            <i className="cell is-folded" /> in the snapshot
          </span>
        )}
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

function Cell({ cell }: { readonly cell: LogCell }): ReactElement {
  const { state, term, isCommit, isApplied, isVolatile } = cell;
  const marks = `${isCommit ? ' has-commit' : ''}${isApplied ? ' has-applied' : ''}${isVolatile ? ' is-volatile' : ''}`;
  return <i className={`cell is-${state}${marks}`} style={term > 0 ? hueOf(term) : undefined} />;
}

/** Neighbouring terms are far apart on the colour wheel. */
function hueOf(term: number): CSSProperties {
  return { '--hue': (term * 137.5 + 20) % 360 } as CSSProperties;
}
