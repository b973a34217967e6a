// How far a write has come: a colour, a sign and a word, with the whole sentence for who wants it.
import type { ReactElement } from 'react';
import type { Write, WriteState, WriteStatus } from 'raftkv';
import { useLive } from '@raftkv/react';
import { describeWrite } from '../model/words.ts';
import { Icon } from './icon.tsx';
import type { IconName } from './icon.tsx';

const signs: Readonly<Record<WriteStatus, IconName>> = {
  local: 'clock',
  sent: 'up',
  committed: 'check',
  refused: 'cross',
  unknown: 'question',
};

export function StateBadge({ state }: { readonly state: WriteState }): ReactElement {
  const { short, long } = describeWrite(state);
  return (
    <span className={`badge is-${state.status}`} title={long}>
      <Icon name={signs[state.status]} />
      {short}
    </span>
  );
}

/** Follows the write. */
export function WriteBadge({ write }: { readonly write: Write<unknown> }): ReactElement {
  return <StateBadge state={useLive(write.state)} />;
}
