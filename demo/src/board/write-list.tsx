// The last writes of this tab: what each does, how far it has come and how long that took.
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { usePage } from '../context.ts';
import { formatMilliseconds } from '../model/format.ts';
import { describeWrite } from '../model/words.ts';
import { shownWrites } from '../model/write-log.ts';
import { StateBadge } from '../parts/write-badge.tsx';

export function WriteList(): ReactElement {
  const { writes, author } = usePage();
  const shown = useLive(writes).slice(0, shownWrites);
  return (
    <section className="writes" aria-labelledby="writes-title">
      <h3 id="writes-title">
        Your last writes <span className="quiet">in this tab, as {author.name}</span>
      </h3>
      <ol>
        {shown.map((write) => (
          <li key={write.id}>
            <StateBadge state={write.state} />
            <span className="clip">{write.text}</span>
            <span className="time">
              {write.milliseconds === undefined ? '…' : formatMilliseconds(write.milliseconds)}
            </span>
            {write.state.error !== undefined && <span className="why">{describeWrite(write.state).long}</span>}
          </li>
        ))}
        {shown.length === 0 && (
          <li className="hollow">None yet. Each one will say: in this tab, on its way, committed.</li>
        )}
      </ol>
    </section>
  );
}
