// The page of the laboratory: choose a rule, switch it off, watch the checker catch what comes of it; and the same story again with the rule kept.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { Icon } from '../../parts/icon.tsx';
import { Verdict } from '../view/check-panel.tsx';
import { LogStrip } from '../view/log-strip.tsx';
import { Legend, Ring } from '../view/ring.tsx';
import { useCells } from '../view/use-cells.ts';
import { Laboratory } from './laboratory.ts';
import type { LabView, Step } from './laboratory.ts';
import { stories } from './stories.ts';
import type { StoryName } from './stories.ts';

export function LabPage(): ReactElement {
  const [lab] = useState(() => new Laboratory());
  const view = useLive(lab.view);
  const [story, setStory] = useState<StoryName>('durability');
  const [isBroken, setIsBroken] = useState(true);
  useEffect(() => () => void lab.clear(), [lab]);
  const isRunning = view.phase === 'running';
  const run = (broken: boolean): void => {
    setIsBroken(broken);
    void lab.run(story, broken);
  };
  return (
    <>
      <p className={`state-line is-${toneOf(view)}`} role="status">
        <span className="dot" aria-hidden="true" />
        <span>{summary(view)}</span>
      </p>
      <div className="room-floor">
        <main id="main" tabIndex={-1}>
          <section className="panel" aria-labelledby="lab-title">
            <div className="panel-head">
              <h2 id="lab-title">Break a rule</h2>
              <a className="link" href="#/room">
                Back to the rooms
              </a>
            </div>
            <fieldset className="stories" disabled={isRunning}>
              <legend className="said">Which rule</legend>
              {(Object.keys(stories) as StoryName[]).map((name) => (
                <label key={name} className="story">
                  <input type="radio" name="story" checked={story === name} onChange={() => setStory(name)} />
                  <span>
                    <strong>{stories[name].title}</strong>
                    <span className="quiet">The rule: {stories[name].rule}</span>
                    <span className="quiet">Without it: {stories[name].whenBroken}</span>
                  </span>
                </label>
              ))}
            </fieldset>
            <div className="story-run">
              <button
                type="button"
                role="switch"
                className="switch is-danger"
                aria-checked={isBroken}
                disabled={isRunning}
                onClick={() => setIsBroken(!isBroken)}
              >
                <span className="knob" aria-hidden="true" />
                Break the rule
              </button>
              <button type="button" className="strong" disabled={isRunning} onClick={() => run(isBroken)}>
                <Icon name="play" />
                {isRunning ? 'Running …' : 'Run the story'}
              </button>
            </div>
          </section>
          <section className="panel ring-panel" aria-labelledby="lab-ring-title">
            <div className="panel-head">
              <h2 id="lab-ring-title">Three members in this page</h2>
              <p className="quiet">the same code and storage as in a room</p>
            </div>
            <div className="room-ring-frame">
              {view.room.members.length === 0 ? (
                <p className="hollow">Choose a rule, and run the story.</p>
              ) : (
                <Ring view={view.room} source={lab} electionTimeoutTicks={16} />
              )}
            </div>
            <Legend />
          </section>
          <Logs view={view} />
        </main>
        <aside aria-label="The story">
          <section
            className={`panel check-panel${view.check.violations > 0 ? ' is-violated' : ''}`}
            aria-labelledby="lab-check-title"
          >
            <div className="panel-head">
              <h2 id="lab-check-title">Checked live</h2>
            </div>
            <Verdict check={view.check} />
            {view.phase === 'done' && (
              <p className="story-end">
                <button type="button" onClick={() => run(!view.isBroken)}>
                  {view.isBroken ? 'The same story with the rule kept' : 'The same story with the rule broken'}
                </button>
              </p>
            )}
          </section>
          <Story steps={view.steps} />
        </aside>
      </div>
    </>
  );
}

function Story({ steps }: { readonly steps: readonly Step[] }): ReactElement {
  return (
    <section className="panel" aria-labelledby="story-title">
      <h2 id="story-title">The story</h2>
      <ol className="story-steps" aria-live="polite">
        {steps.map(({ text, state }) => (
          <li key={text} className={`is-${state}`} aria-current={state === 'now' ? 'step' : undefined}>
            {text}
          </li>
        ))}
        {steps.length === 0 && <li className="hollow">It has not begun.</li>}
      </ol>
    </section>
  );
}

function Logs({ view }: { readonly view: LabView }): ReactElement {
  const cells = useCells();
  const rows = view.room.members.flatMap(({ name, isThere, tell }) =>
    tell === undefined ? [] : [{ ...tell, name, isSelf: false, isThere }],
  );
  return (
    <section className="panel log-panel" aria-labelledby="lab-log-title">
      <div className="panel-head">
        <h2 id="lab-log-title">The logs</h2>
        <p className="quiet">where they differ, something was lost</p>
      </div>
      {rows.length === 0 ? <p className="hollow">Empty.</p> : <LogStrip rows={rows} cells={cells} />}
    </section>
  );
}

function toneOf({ phase, check }: LabView): string {
  if (check.violations > 0 || phase === 'failed') return 'bad';
  return phase === 'done' ? 'good' : 'plain';
}

function summary({ phase, check, isBroken, problem }: LabView): ReactElement {
  if (phase === 'failed') {
    return (
      <>
        <strong>The story did not come to its end.</strong> {problem}
      </>
    );
  }
  if (check.violations > 0) {
    return (
      <>
        <strong>Not linearizable.</strong> Without its rule the store broke its promise, and the checker has the proof.
      </>
    );
  }
  if (phase === 'done') {
    return (
      <>
        <strong>Linearizable.</strong>{' '}
        {isBroken
          ? 'This time nothing that was acknowledged happened to be lost. Run it again.'
          : 'The same faults, with the rule kept: nothing that was acknowledged is lost.'}
      </>
    );
  }
  return phase === 'running' ? (
    <>
      <strong>The story runs{isBroken ? ', with the rule broken' : ''}.</strong> Every answer is checked.
    </>
  ) : (
    <>
      <strong>A laboratory.</strong> Here a safety rule can be switched off. Nothing of your rooms is touched.
    </>
  );
}
