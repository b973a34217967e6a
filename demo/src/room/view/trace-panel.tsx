// The flight recording of this tab's member: saved as a file, to be played again in a core elsewhere.
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { RoomSource } from '../source/room-source.ts';

export function TracePanel({ source }: { readonly source: RoomSource }): ReactElement {
  const [problem, setProblem] = useState<string>();
  const save = (): void => {
    const text = source.trace();
    setProblem(text === undefined ? 'Nothing is recorded yet.' : undefined);
    if (text === undefined) return;
    const url = URL.createObjectURL(new Blob([text], { type: 'application/jsonl' }));
    const link = Object.assign(document.createElement('a'), {
      href: url,
      download: `raftkv-${source.view.getSnapshot().self ?? 'tab'}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.jsonl`,
    });
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <section className="panel trace-panel" aria-labelledby="trace-title">
      <div className="panel-head">
        <h2 id="trace-title">The trace</h2>
        <a className="link" href="#/room/replay" target="_blank" rel="noopener">
          Replay one
        </a>
      </div>
      <p className="hollow">
        Every input of this tab’s core is recorded. The same inputs give the same outputs, so the run can be played
        again, step by step.
      </p>
      <button type="button" onClick={save}>
        Save the trace
      </button>
      {problem !== undefined && <p role="alert">{problem}</p>}
    </section>
  );
}
