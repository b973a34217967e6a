// A room from within: the line that says how things are, the picture, the logs, the check, and what may be broken. Everything shown comes from the source; the
// workload runs while this is open.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { formatCount } from '../../model/format.ts';
import { LiveCheck, sharedNow } from '../checker/live-check.ts';
import { Workload } from '../checker/workload.ts';
import { browserId } from '../browser-id.ts';
import { timing } from '../core/compose.ts';
import type { RoomNote, RoomSource } from '../source/room-source.ts';
import type { RoomView } from '../source/room-view.ts';
import { CheckPanel } from './check-panel.tsx';
import { FaultPanel } from './fault-panel.tsx';
import { LinesPanel } from '../lines/lines-panel.tsx';
import { LogStrip } from './log-strip.tsx';
import { useAct } from './use-act.ts';
import { useCells } from './use-cells.ts';
import { Legend, Ring } from './ring.tsx';
import { SharePanel } from './share-panel.tsx';
import { TracePanel } from './trace-panel.tsx';
import { WaysOn } from './ways-on.tsx';
import { adviseOnRoom, capital, companyOf } from './words.ts';

export function RoomFloor({ source }: { readonly source: RoomSource }): ReactElement {
  const view = useLive(source.view);
  const faults = useLive(source.faults.settings);
  const { tone, title, text } = adviseOnRoom(view, faults);
  return (
    <>
      <p className={`state-line is-${tone}`} role="status">
        <span className="dot" aria-hidden="true" />
        <span>
          <strong>{title}.</strong> {text}
        </span>
      </p>
      <WaysOn view={view} source={source} />
      <div className="room-floor has-door">
        <aside className="door" aria-label="Others">
          {view.link !== undefined && (
            <SharePanel link={view.link} company={companyOf(view.members)} invitations={source.invitations} />
          )}
          {view.phase === 'running' && <Leave source={source} keeping={view.keeping} />}
        </aside>
        <main id="main" tabIndex={-1}>
          <section className="panel ring-panel" aria-labelledby="ring-title">
            <div className="panel-head">
              <h2 id="ring-title">The room</h2>
              <p className="quiet">{view.phase === 'left' ? '' : summary(view)}</p>
            </div>
            <div className="room-ring-frame">
              {view.phase === 'left' ? (
                <p className="hollow">
                  This tab is not in it any more.{' '}
                  <button type="button" className="link" onClick={() => location.reload()}>
                    Come back
                  </button>
                </p>
              ) : view.members.length === 0 ? (
                <p className="hollow">Nobody is here yet.</p>
              ) : (
                <Ring view={view} source={source} electionTimeoutTicks={timing.electionTimeoutTicks} />
              )}
            </div>
            <Legend />
          </section>
          {view.self !== undefined && source.kv !== undefined && isIn(view) && (
            <LinesPanel kv={source.kv} by={view.self} />
          )}
          {view.phase !== 'left' && <Logs view={view} />}
          <Notes source={source} />
        </main>
        <aside aria-label="This tab">
          <Check source={source} self={view.phase === 'left' ? undefined : view.self} />
          <FaultPanel view={view} source={source} />
          <TracePanel source={source} />
        </aside>
      </div>
    </>
  );
}

/** Its store is there to be read and written, now or once there is a majority. */
function isIn({ phase }: RoomView): boolean {
  return phase === 'running' || phase === 'joining' || phase === 'alone';
}

function Leave({
  source,
  keeping,
}: {
  readonly source: RoomSource;
  readonly keeping: string | undefined;
}): ReactElement {
  const { busy, problem, run } = useAct();
  return (
    <p className="hollow leave">
      {keeping !== undefined && <span>{keeping} </span>}
      <button
        type="button"
        className="link"
        disabled={busy !== undefined}
        title="The others let this tab go, and take over what it holds"
        onClick={() => run('leave', () => source.leave())}
      >
        {busy === undefined ? 'Leave the room' : 'Leaving …'}
      </button>{' '}
      {problem !== undefined && <span role="alert">{capital(problem)}</span>}
    </p>
  );
}

function summary({ voters, votersThere, term, commitIndex, epoch }: RoomView): string {
  if (voters === 0) return 'not open yet';
  const again = epoch > 1 ? ` · epoch ${epoch}` : '';
  return `${votersThere} of ${voters} voters here · term ${term} · ${formatCount(commitIndex)} committed${again}`;
}

function Logs({ view }: { readonly view: RoomView }): ReactElement {
  const cells = useCells();
  const rows = view.members.flatMap(({ name, isSelf, isThere, tell }) =>
    tell === undefined ? [] : [{ ...tell, name, isSelf, isThere }],
  );
  return (
    <section className="panel log-panel" aria-labelledby="log-title">
      <div className="panel-head">
        <h2 id="log-title">The logs</h2>
        <p className="quiet">the last {cells} entries, as each member has them</p>
      </div>
      {rows.length === 0 ? <p className="hollow">Empty.</p> : <LogStrip rows={rows} cells={cells} />}
    </section>
  );
}

const scope = 'What tabs of this browser did. Those of other browsers are left out: their clocks cannot be compared.';

function Check({ source, self }: { readonly source: RoomSource; readonly self: string | undefined }): ReactElement {
  const [check] = useState(() => new LiveCheck(browserId()));
  const [isOn, setIsOn] = useState(true);
  const shown = useLive(check.view);
  useEffect(() => {
    check.start(source);
    return () => check.stop();
  }, [check, source]);
  useEffect(() => {
    if (!isOn || self === undefined) return undefined;
    const workload = new Workload({
      client: self,
      kv: () => source.kv,
      now: sharedNow,
      onAnnounce: (value) => check.announce(value),
      onOperation: (operation) => check.add(operation),
    });
    workload.start();
    return () => workload.stop();
  }, [check, source, self, isOn]);
  return <CheckPanel check={shown} isRunning={isOn} scope={scope} onSwitch={setIsOn} />;
}

interface TimedNote extends RoomNote {
  readonly id: number;
  readonly at: Date;
}

const shownNotes = 6;

function Notes({ source }: { readonly source: RoomSource }): ReactElement {
  const [notes, setNotes] = useState<readonly TimedNote[]>([]);
  useEffect(() => {
    let last = 0;
    return source.notes.listen((note) => {
      const timed = { ...note, id: (last += 1), at: new Date() };
      setNotes((known) => [timed, ...known].slice(0, shownNotes));
    });
  }, [source]);
  return (
    <section className="panel events" aria-labelledby="notes-title">
      <h3 id="notes-title">What happened, as this tab saw it</h3>
      <ol aria-live="polite">
        {notes.map(({ id, at, tone, text }) => (
          <li key={id} className={`is-${tone}`}>
            <time dateTime={at.toISOString()}>{at.toTimeString().slice(0, 8)}</time>
            <span>{text}</span>
          </li>
        ))}
        {notes.length === 0 && <li className="hollow">Nothing since this page was opened.</li>}
      </ol>
    </section>
  );
}
