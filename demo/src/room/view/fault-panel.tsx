// What whoever looks at this tab may break in it: links, messages, time, the storage, the member itself. It acts on this tab alone, and says what holds.
import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { Icon } from '../../parts/icon.tsx';
import type { RoomSource } from '../source/room-source.ts';
import type { RoomView } from '../source/room-view.ts';
import { useAct } from './use-act.ts';
import { capital } from './words.ts';

const freezeMilliseconds = 5_000;

export function FaultPanel({ view, source }: { readonly view: RoomView; readonly source: RoomSource }): ReactElement {
  const { faults } = source;
  const settings = useLive(faults.settings);
  const { busy, problem, run } = useAct();
  const others = view.members.filter(({ isSelf }) => !isSelf);
  const isRunning = view.phase === 'running';
  const isHealthy =
    settings.cut.size === 0 &&
    settings.lossPercent === 0 &&
    settings.delayMilliseconds === 0 &&
    settings.frozenUntil === undefined;
  return (
    <section className="panel fault-panel" aria-labelledby="fault-title">
      <div className="panel-head">
        <h2 id="fault-title">Break this tab</h2>
        <button type="button" className="link" disabled={isHealthy} onClick={() => faults.heal()}>
          Heal all
        </button>
      </div>
      <fieldset className="cuts">
        <legend>Cut the link to</legend>
        {others.length === 0 && <p className="hollow">Nobody else is here.</p>}
        {others.map(({ name }) => (
          <label key={name} className="chip">
            <input
              type="checkbox"
              checked={settings.cut.has(name)}
              onChange={(event) => faults.cut(name, event.target.checked)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <Slider
        label="Messages lost"
        unit="%"
        most={60}
        step={5}
        value={settings.lossPercent}
        onChange={(lossPercent) => faults.change({ lossPercent })}
      />
      <Slider
        label="Each takes longer by"
        unit="ms"
        most={600}
        step={50}
        value={settings.delayMilliseconds}
        onChange={(delayMilliseconds) => faults.change({ delayMilliseconds })}
      />
      <div className="controls is-three">
        <Freeze
          until={settings.frozenUntil}
          isOff={!isRunning}
          onFreeze={() => faults.freeze(freezeMilliseconds)}
          onThaw={() => faults.thaw()}
        />
        <button
          type="button"
          className="danger"
          disabled={!isRunning || busy !== undefined}
          title="Nobody hears of it any more; then it starts again with what is on the disk"
          onClick={() => run('kill', () => source.kill())}
        >
          <Icon name="kill" />
          {busy === 'kill' ? 'Killed …' : 'Kill'}
        </button>
        <button
          type="button"
          className="danger"
          disabled={!isRunning || busy !== undefined}
          title="What it has kept is deleted, and it comes back as another"
          onClick={() => run('lose', () => source.loseStorage())}
        >
          <Icon name="trash" />
          {busy === 'lose' ? 'Lost …' : 'Lose storage'}
        </button>
      </div>
      {problem !== undefined && (
        <p className="conflict" role="alert">
          {capital(problem)}
        </p>
      )}
      <p className="hollow rules">
        None of this makes an answer wrong.{' '}
        <a className="link" href="#/room/break-it" target="_blank" rel="noopener">
          Break a safety rule
        </a>{' '}
        to see one.
      </p>
    </section>
  );
}

function Slider(props: {
  readonly label: string;
  readonly unit: string;
  readonly most: number;
  readonly step: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}): ReactElement {
  const { label, unit, most, step, value, onChange } = props;
  return (
    <label className="slider">
      <span>{label}</span>
      <input
        type="range"
        min={0}
        max={most}
        step={step}
        value={value}
        aria-valuetext={`${value} ${unit}`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output className={value > 0 ? 'is-on' : ''}>
        {value} {unit}
      </output>
    </label>
  );
}

function Freeze(props: {
  readonly until: number | undefined;
  readonly isOff: boolean;
  readonly onFreeze: () => void;
  readonly onThaw: () => void;
}): ReactElement {
  const { until, isOff, onFreeze, onThaw } = props;
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (until === undefined) return undefined;
    const look = (): void => setLeft(Math.ceil((until - performance.now()) / 1_000));
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [until]);
  const isFrozen = until !== undefined;
  return (
    <button
      type="button"
      disabled={isOff}
      title="Its loop stands still: timers and messages wait"
      onClick={isFrozen ? onThaw : onFreeze}
    >
      <Icon name={isFrozen ? 'play' : 'pause'} />
      {isFrozen ? `Thaw (${left} s)` : 'Freeze 5 s'}
    </button>
  );
}
