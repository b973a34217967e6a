// The cluster as a whole: its picture, what it has agreed on, a card for each member, and what happened lately.
import { useState } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { usePage } from '../context.ts';
import type { MemberAction } from '../dev-api.ts';
import { formatCount } from '../model/format.ts';
import { ClusterMap } from './cluster-map.tsx';
import { MemberCard } from './member-card.tsx';

const shownEvents = 7;

export function ClusterPanel(): ReactElement {
  const { watch, dev, expected } = usePage();
  const view = useLive(watch.view);
  const controlError = useLive(watch.controlError);
  const [busy, setBusy] = useState<string>();
  const act = (member: string, action: MemberAction): void => {
    setBusy(member);
    dev!
      .act(member, action)
      .catch((error: Error) => watch.note({ tone: 'bad', text: error.message }))
      .finally(() => {
        setBusy(undefined);
        watch.lookSoon();
      });
    watch.lookSoon();
  };
  return (
    <section className="panel cluster-panel" aria-labelledby="cluster-title">
      <div className="panel-head">
        <h2 id="cluster-title">Cluster</h2>
        <p className="quiet">
          {dev === undefined ? 'Can be broken from here under raftkv dev' : 'Break it: it is yours'}
        </p>
      </div>
      <div className="ring-frame">
        {view.isKnown ? <ClusterMap view={view} /> : <p className="hollow">Looking …</p>}
      </div>
      <dl className="numbers">
        <Figure name="Term" value={view.term} isKnown={view.up > 0} />
        <Figure name="Committed" value={view.commitIndex} isKnown={view.up > 0} />
        <Figure name="Revision" value={view.revision} isKnown={view.up > 0} />
      </dl>
      {view.warnings.map((warning) => (
        <p key={warning} className="warning">
          {warning}.
        </p>
      ))}
      {controlError !== undefined && (
        <p className="conflict" role="alert">
          {controlError}
        </p>
      )}
      <ul className="members">
        {!view.isKnown &&
          Array.from({ length: expected }, (_, at) => <li key={at} className="node ghost" aria-hidden="true" />)}
        {view.members.map((member) => (
          <MemberCard
            key={member.name}
            member={member}
            isLeader={member.name === view.leader}
            isBusy={busy === member.name}
            onAct={dev === undefined ? undefined : (action) => act(member.name, action)}
          />
        ))}
      </ul>
      <Events />
    </section>
  );
}

function Figure(props: { readonly name: string; readonly value: number; readonly isKnown: boolean }): ReactElement {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.isKnown ? formatCount(props.value) : '–'}</dd>
    </div>
  );
}

const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

function Events(): ReactElement {
  const { watch } = usePage();
  const events = useLive(watch.events).slice(0, shownEvents);
  return (
    <section className="events" aria-labelledby="events-title">
      <h3 id="events-title">What happened</h3>
      <ol>
        {events.map(({ id, at, tone, text }) => (
          <li key={id} className={`is-${tone}`}>
            <time dateTime={at.toISOString()}>{clock.format(at)}</time>
            <span>{text}</span>
          </li>
        ))}
        {events.length === 0 && <li className="hollow">Nothing since this page was opened.</li>}
      </ol>
    </section>
  );
}
