// One member: its role and place in the log, how far it is behind, and on a local cluster the buttons that break and mend it.
import type { ReactElement } from 'react';
import type { MemberAction } from '../dev-api.ts';
import type { MemberHealth, MemberView } from '../model/cluster-view.ts';
import { formatCount } from '../model/format.ts';
import { Icon } from '../parts/icon.tsx';
import type { IconName } from '../parts/icon.tsx';
import { describeMember, describeTab, describeWays } from './member-words.ts';

interface MemberCardProps {
  readonly member: MemberView;
  readonly isLeader: boolean;
  /** Something that was asked for is under way. */
  readonly isBusy: boolean;
  /** undefined: it cannot be broken from here. */
  readonly onAct: ((action: MemberAction) => void) | undefined;
}

export function MemberCard({ member, isLeader, isBusy, onAct }: MemberCardProps): ReactElement {
  const { name, address, health, status, lag, pid, note } = member;
  const role = describeMember(member, isLeader);
  const traits = [describeTab(member), describeWays(member)].filter((words) => words !== undefined);
  const tone = health !== 'up' && health !== 'heard' ? 'is-down' : isLeader ? 'is-leader' : '';
  return (
    <li className={`node ${tone}`} aria-label={`${name}, ${role}`}>
      <div className="node-head">
        <strong>{name}</strong>
        <span className={`role ${tone}`}>{role}</span>
        <span className="quiet where">
          {address.replace('127.0.0.1', '')}
          {pid === undefined ? '' : `, pid ${pid}`}
        </span>
      </div>
      {traits.length > 0 && <p className="quiet traits">{traits.join('; ')}</p>}
      <dl className="node-facts">
        <div>
          <dt>term</dt>
          <dd>{status === undefined ? '–' : formatCount(status.term)}</dd>
        </div>
        <div>
          <dt>commit</dt>
          <dd>{status === undefined ? '–' : formatCount(status.commitIndex)}</dd>
        </div>
        <div>
          <dt>applied</dt>
          <dd>{status === undefined ? '–' : formatCount(status.appliedIndex)}</dd>
        </div>
        <div>
          <dt>lag</dt>
          <dd className={lag !== undefined && lag > 0 ? 'is-behind' : ''}>
            {lag === undefined ? '–' : formatCount(lag)}
          </dd>
        </div>
      </dl>
      {note !== undefined && (
        <p className="conflict">
          {name} ended {note}
        </p>
      )}
      {onAct !== undefined && <Controls name={name} health={health} isBusy={isBusy} onAct={onAct} />}
    </li>
  );
}

interface ControlsProps {
  readonly name: string;
  readonly health: MemberHealth;
  readonly isBusy: boolean;
  readonly onAct: (action: MemberAction) => void;
}

interface Button {
  readonly action: MemberAction;
  readonly label: string;
  readonly icon: IconName;
  readonly title: string;
}

const buttons: Readonly<Record<MemberAction, Button>> = {
  pause: { action: 'pause', label: 'Pause', icon: 'pause', title: 'Freeze its process: it hears and says nothing' },
  resume: { action: 'resume', label: 'Resume', icon: 'play', title: 'Let its process go on' },
  stop: { action: 'stop', label: 'Stop', icon: 'stop', title: 'End it in order' },
  start: { action: 'start', label: 'Start', icon: 'play', title: 'Start it with what is on its disk' },
  kill: { action: 'kill', label: 'Kill', icon: 'kill', title: 'kill -9: no word, no clean-up' },
  restart: { action: 'restart', label: 'Restart', icon: 'restart', title: 'End it in order and start it again' },
};

/** Four places, so that none moves when a member's state changes. */
function Controls({ name, health, isBusy, onAct }: ControlsProps): ReactElement {
  const isGone = health === 'stopped' || health === 'killed' || health === 'failed';
  const shown = [
    buttons[health === 'paused' ? 'resume' : 'pause'],
    buttons[isGone ? 'start' : 'stop'],
    buttons.kill,
    buttons.restart,
  ];
  const isOff = (action: MemberAction): boolean =>
    isBusy ||
    (isGone ? action !== 'start' && action !== 'restart' : health === 'stopping' && action !== 'kill') ||
    (action === 'pause' && health === 'starting');
  return (
    <div className="controls" role="group" aria-label={`What to do to ${name}`}>
      {shown.map(({ action, label, icon, title }) => (
        <button
          key={icon + label}
          type="button"
          className={action === 'kill' ? 'danger' : ''}
          title={title}
          aria-label={`${label} ${name}`}
          disabled={isOff(action)}
          onClick={() => onAct(action)}
        >
          <Icon name={icon} />
          {label}
        </button>
      ))}
    </div>
  );
}
