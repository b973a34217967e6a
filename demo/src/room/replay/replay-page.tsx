// The replay of a trace: a file is opened, played in a core of this page and compared with what was recorded; then it is gone through with a scrubber, and at each
// step the page shows where the core stood.
import { useState } from 'react';
import type { ReactElement } from 'react';
import { formatCount } from '../../model/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { LogStrip } from '../view/log-strip.tsx';
import { useCells } from '../view/use-cells.ts';
import { Recording, shortId } from './recording.ts';

type Opened =
  | { readonly type: 'none' }
  | { readonly type: 'playing'; readonly share: number }
  | { readonly type: 'open'; readonly recording: Recording; readonly name: string }
  | { readonly type: 'failed'; readonly reason: string };

export function ReplayPage(): ReactElement {
  const [opened, setOpened] = useState<Opened>({ type: 'none' });
  const open = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    setOpened({ type: 'playing', share: 0 });
    try {
      const recording = new Recording(await file.text());
      await recording.verify((share) => setOpened({ type: 'playing', share }));
      setOpened({ type: 'open', recording, name: file.name });
    } catch (error) {
      setOpened({ type: 'failed', reason: (error as Error).message });
    }
  };
  return (
    <main
      id="main"
      tabIndex={-1}
      className="replay"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void open(event.dataTransfer.files[0]);
      }}
    >
      <p className={`state-line is-${tones[opened.type]}`} role="status">
        <span className="dot" aria-hidden="true" />
        <span>{say(opened)}</span>
      </p>
      <section className="panel" aria-labelledby="replay-title">
        <div className="panel-head">
          <h2 id="replay-title">Replay a trace</h2>
          <a className="link" href="#/room">
            Back to the rooms
          </a>
        </div>
        <label className="file">
          <input type="file" accept=".jsonl" onChange={(event) => void open(event.target.files?.[0])} />
          <Icon name="play" /> Open a trace
        </label>
        <span className="hollow"> saved from a room, or by the flight recorder of a node; or drop it here.</span>
      </section>
      {opened.type === 'open' && <Player key={opened.name} recording={opened.recording} />}
    </main>
  );
}

const tones = { none: 'plain', playing: 'plain', open: 'good', failed: 'bad' } as const;

function say(opened: Opened): ReactElement {
  switch (opened.type) {
    case 'none':
      return (
        <>
          <strong>Deterministic.</strong> The core has no clock and no dice: the same inputs give the same outputs.
        </>
      );
    case 'playing':
      return (
        <>
          <strong>Playing.</strong> {Math.round(opened.share * 100)} %
        </>
      );
    case 'failed':
      return (
        <>
          <strong>This cannot be played.</strong> {opened.reason}
        </>
      );
    case 'open': {
      const { recording } = opened;
      return recording.divergedAt === undefined ? (
        <>
          <strong>The same answers.</strong> {formatCount(recording.steps.length)} steps of member{' '}
          {shortId(recording.memberId)}, and the core in this page answered each as it had.
        </>
      ) : (
        <>
          <strong>Other answers from line {formatCount(recording.divergedAt)} on.</strong> It was recorded by another
          version, or changed.
        </>
      );
    }
  }
}

const shownAround = 5;

function Player({ recording }: { readonly recording: Recording }): ReactElement {
  const [position, setPosition] = useState(recording.steps.length);
  const cells = useCells();
  const sight = recording.at(position);
  const first = Math.max(0, Math.min(position - shownAround - 1, recording.steps.length - 2 * shownAround - 1));
  const move = (by: number): void => setPosition(Math.min(recording.steps.length, Math.max(0, position + by)));
  const last = recording.steps[position - 1];
  return (
    <>
      <section className="panel scrubber" aria-label="Where in the trace">
        <div className="scrub-row">
          <button type="button" aria-label="One step back" disabled={position === 0} onClick={() => move(-1)}>
            <Icon name="left" />
          </button>
          <input
            type="range"
            min={0}
            max={recording.steps.length}
            value={position}
            aria-label="Step"
            aria-valuetext={`Step ${position} of ${recording.steps.length}`}
            onChange={(event) => setPosition(Number(event.target.value))}
          />
          <button
            type="button"
            aria-label="One step on"
            disabled={position === recording.steps.length}
            onClick={() => move(1)}
          >
            <Icon name="right" />
          </button>
        </div>
        <p className="quiet">
          Step {formatCount(position)} of {formatCount(recording.steps.length)}
          {last === undefined ? '' : `, ${(last.milliseconds / 1_000).toFixed(3)} s after the beginning`}
        </p>
        <Moments recording={recording} position={position} onGo={setPosition} />
      </section>
      <section className="panel" aria-labelledby="core-title">
        <h2 id="core-title">The core at this step</h2>
        <dl className="numbers core-numbers">
          <div>
            <dt>Role</dt>
            <dd>{sight.role}</dd>
          </div>
          <div>
            <dt>Term</dt>
            <dd>{formatCount(sight.term)}</dd>
          </div>
          <div>
            <dt>Voted for</dt>
            <dd>{sight.votedFor === undefined ? '–' : shortId(sight.votedFor)}</dd>
          </div>
          <div>
            <dt>Leader</dt>
            <dd>{sight.leaderId === undefined ? '–' : shortId(sight.leaderId)}</dd>
          </div>
        </dl>
        <LogStrip rows={[sight.row]} cells={cells} />
      </section>
      <section className="panel" aria-labelledby="steps-title">
        <h2 id="steps-title">Around it</h2>
        <ol className="trace-lines" start={first + 1}>
          {recording.steps.slice(first, first + 2 * shownAround + 1).map(({ type, text }, at) => {
            const number = first + at + 1;
            return (
              <li key={number} className={`is-${type}${number === position ? ' is-here' : ''}`}>
                <button type="button" className="bare" onClick={() => setPosition(number)}>
                  <span className="count">{number}</span> {type === 'ready' ? '→ ' : ''}
                  {text}
                </button>
              </li>
            );
          })}
        </ol>
      </section>
    </>
  );
}

function Moments(props: {
  readonly recording: Recording;
  readonly position: number;
  readonly onGo: (position: number) => void;
}): ReactElement {
  const { recording, position, onGo } = props;
  if (recording.moments.length === 0)
    return <p className="hollow">No election and no change of leader is in this part.</p>;
  return (
    <ol className="moments">
      {recording.moments.map((moment) => (
        <li key={moment.position}>
          <button
            type="button"
            className={moment.position === position ? 'strong' : ''}
            onClick={() => onGo(moment.position)}
          >
            {(moment.milliseconds / 1_000).toFixed(1)} s: {moment.text}
          </button>
        </li>
      ))}
    </ol>
  );
}
