// The verdict of the checker over what this tab and the others of this browser did to a few registers: small and quiet while all is right, large and red with the
// operations that cannot both be when it is not.
import type { ReactElement } from 'react';
import { formatCount, formatMilliseconds } from '../../model/format.ts';
import type { CheckView } from '../checker/live-check.ts';
import { describeOperation } from '../checker/operation.ts';
import type { Violation } from '../checker/register-checker.ts';

export interface CheckPanelProps {
  readonly check: CheckView;
  readonly isRunning: boolean;
  /** Whose operations it is about, and whose not. Undefined: nobody need ask. */
  readonly scope?: string;
  /** Undefined: it cannot be switched. */
  readonly onSwitch: ((isOn: boolean) => void) | undefined;
}

export function CheckPanel({ check, isRunning, scope, onSwitch }: CheckPanelProps): ReactElement {
  return (
    <section className={`panel check-panel${check.violations > 0 ? ' is-violated' : ''}`} aria-labelledby="check-title">
      <div className="panel-head">
        <h2 id="check-title">Checked live</h2>
        {onSwitch !== undefined && (
          <button
            type="button"
            role="switch"
            className="switch"
            aria-checked={isRunning}
            onClick={() => onSwitch(!isRunning)}
          >
            <span className="knob" aria-hidden="true" />
            Workload
          </button>
        )}
      </div>
      <Verdict check={check} />
      {scope !== undefined && <p className="hollow">{scope}</p>}
      <dl className="numbers">
        <div>
          <dt>Here, a second</dt>
          <dd>{check.perSecond.toFixed(1)}</dd>
        </div>
        <div>
          <dt>Median</dt>
          <dd>{check.p50Milliseconds === undefined ? '–' : formatMilliseconds(check.p50Milliseconds)}</dd>
        </div>
        <div>
          <dt>99th percentile</dt>
          <dd>{check.p99Milliseconds === undefined ? '–' : formatMilliseconds(check.p99Milliseconds)}</dd>
        </div>
      </dl>
      <ol className="lately" aria-label="The last operations of this tab">
        {check.lately.map((operation) => (
          <li key={operation.id} className="clip">
            {describeOperation(operation)}
          </li>
        ))}
        {check.lately.length === 0 && <li className="hollow">Puts, gets and compare-and-sets on three registers.</li>}
      </ol>
    </section>
  );
}

export function Verdict({
  check,
}: {
  readonly check: Pick<CheckView, 'operations' | 'unknown' | 'violations' | 'found'>;
}): ReactElement {
  const { operations, unknown, violations, found } = check;
  return (
    <div className={`verdict ${violations > 0 ? 'is-bad' : operations > 0 ? 'is-good' : ''}`}>
      <p role="status" aria-live={violations > 0 ? 'assertive' : 'off'}>
        <strong>{formatCount(violations)}</strong> {violations === 1 ? 'violation' : 'violations'} in{' '}
        <b>{formatCount(operations)}</b> {operations === 1 ? 'operation' : 'operations'}
      </p>
      {unknown > 0 && <p className="quiet">{formatCount(unknown)} without an answer: they may have happened or not.</p>}
      {found.length > 0 && <Found violation={found[0]!} />}
    </div>
  );
}

function Found({ violation: { text, operations } }: { readonly violation: Violation }): ReactElement {
  return (
    <div className="proof" role="alert">
      <h3>{text}</h3>
      <ol>
        {operations.map((operation) => (
          <li key={operation.id}>
            {describeOperation(operation)}
            <span className="when">
              {clockOf(operation.call)} – {clockOf(operation.end)}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function clockOf(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString().slice(11, 23) : 'open';
}
