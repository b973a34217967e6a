// What people write in a room, for all its tabs: at once where a majority is there, else kept on this device until one is. A line that was written for the room before it
// went on without its majority is shown apart, for its writer to decide.
import { useState } from 'react';
import type { FormEvent, ReactElement } from 'react';
import type { LiveEntry, LiveKv, Write } from 'raftkv';
import { RaftkvProvider, useGet, useKv, useLive, useScan, useWrites } from '@raftkv/react';
import { Icon } from '../../parts/icon.tsx';
import { WriteBadge } from '../../parts/write-badge.tsx';
import { useAct } from '../view/use-act.ts';
import { capital } from '../view/words.ts';
import { decisionOn, isUndecided, lineRange, maxLineLength, newLineKey, textOf, writerOf } from './line-model.ts';

/** The newest. */
const shownLines = 5;

export function LinesPanel({ kv, by }: { readonly kv: LiveKv; readonly by: string }): ReactElement {
  return (
    <section className="panel lines-panel" aria-labelledby="lines-title">
      <RaftkvProvider kv={kv}>
        <OpenLines by={by} />
      </RaftkvProvider>
    </section>
  );
}

function OpenLines({ by }: { readonly by: string }): ReactElement {
  const kv = useKv();
  const writes = useWrites();
  const { data = [] } = useScan(lineRange, { reverse: true, limit: shownLines });
  const own = writes.filter(({ keys }) => textOf(String(keys[0])) !== undefined);
  const undecided = own.filter(({ state }) => isUndecided(state.getSnapshot()));
  return (
    <>
      <div className="panel-head">
        <h2 id="lines-title">Write in the room</h2>
        <p className="quiet">every tab sees it</p>
      </div>
      <Compose onWrite={(text) => void write(kv, text, by)} />
      <Keeping />
      {undecided.length > 0 && (
        <div className="undecided">
          <h3 role="status">
            {undecided.length === 1
              ? 'A line of yours is not in the room'
              : `${undecided.length} lines of yours are not in the room`}
          </h3>
          <ul>
            {undecided.map((each) => (
              <Undecided key={each.id} write={each} />
            ))}
          </ul>
        </div>
      )}
      <ol className="lines" aria-live="polite">
        {data.map((row) => (
          <LineView key={row.key} row={row} write={own.findLast(({ keys }) => keys[0] === row.key)} />
        ))}
        {data.length === 0 && <li className="hollow">Nothing is written here yet.</li>}
      </ol>
    </>
  );
}

function write(kv: LiveKv, text: string, by: string): Write<unknown> {
  const made = kv.mutate([{ type: 'put', key: newLineKey(text, Date.now(), Math.random()), value: { by } }]);
  // What becomes of it is shown.
  made.committed.catch(() => undefined);
  return made;
}

function Compose({ onWrite }: { readonly onWrite: (text: string) => void }): ReactElement {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() === '') return;
    try {
      onWrite(text.trim());
      setText('');
      setProblem(undefined);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <>
      <form className="add" onSubmit={submit}>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="A line for everybody here"
          aria-label="A line for everybody here"
          maxLength={maxLineLength}
          autoComplete="off"
          name="line"
        />
        <button type="submit" disabled={text.trim() === ''}>
          <Icon name="plus" /> Write
        </button>
      </form>
      {problem !== undefined && (
        <p className="conflict" role="alert">
          {capital(problem)}
        </p>
      )}
    </>
  );
}

/** Of what waits here, once something does; and that nothing can be kept, where that is so. */
function Keeping(): ReactElement | null {
  const { outbox } = useKv();
  return outbox === undefined ? null : <Kept status={outbox.status} />;
}

function Kept({ status }: { readonly status: NonNullable<LiveKv['outbox']>['status'] }): ReactElement | null {
  const { storage, waiting } = useLive(status);
  if (storage === 'memory') {
    return <p className="hollow">This browser keeps nothing of what waits to be written: it ends with this tab.</p>;
  }
  if (waiting === 0) return null;
  const what = waiting === 1 ? 'One line waits' : `${waiting} lines wait`;
  return (
    <p className="hollow" role="status">
      {what} in this browser, and {waiting === 1 ? 'is' : 'are'} written once, in order, when a majority is here. You
      may close the tab meanwhile.
    </p>
  );
}

function LineView({
  row,
  write: made,
}: {
  readonly row: LiveEntry<unknown>;
  readonly write: Write<unknown> | undefined;
}): ReactElement {
  return (
    <li>
      <span className="text">{textOf(row.key) ?? row.key}</span>
      <span className="quiet by">{writerOf(row)}</span>
      {made !== undefined && <Waiting write={made} />}
    </li>
  );
}

function Waiting({ write: made }: { readonly write: Write<unknown> }): ReactElement {
  const { outbox } = useKv();
  const { status, kept } = useLive(made.state);
  const { busy, problem, run } = useAct();
  return (
    <span className="way">
      <WriteBadge write={made} />
      {status === 'local' && kept === true && (
        <button
          type="button"
          className="link"
          disabled={busy !== undefined}
          onClick={() => run('take back', async () => outbox?.discard(made))}
        >
          Take back
        </button>
      )}
      {problem !== undefined && <span role="alert">{capital(problem)}</span>}
    </span>
  );
}

function Undecided({ write: made }: { readonly write: Write<unknown> }): ReactElement {
  const { outbox } = useKv();
  const key = String(made.keys[0]);
  const { data } = useGet(key);
  const { busy, problem, run } = useAct();
  const { why, again, drop } = decisionOn(useLive(made.state), data !== undefined && data !== null);
  const text = textOf(key) ?? key;
  const retry = async (): Promise<void> => {
    outbox?.retry(made).committed.catch(() => undefined);
  };
  return (
    <li>
      <q>{text}</q>
      <span className="why">{why}</span>
      <span className="choices">
        {again !== undefined && (
          <button
            type="button"
            className="strong"
            aria-label={`${again}: ${text}`}
            disabled={busy !== undefined}
            onClick={() => run('again', retry)}
          >
            {again}
          </button>
        )}
        <button
          type="button"
          aria-label={`${drop}: ${text}`}
          disabled={busy !== undefined}
          onClick={() => run('drop', async () => outbox?.discard(made))}
        >
          {drop}
        </button>
      </span>
      {problem !== undefined && <span role="alert">{capital(problem)}</span>}
    </li>
  );
}
