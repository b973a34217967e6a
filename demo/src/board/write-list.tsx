// The last writes of this tab: what each does, how far it has come and how long that took. Those that an earlier life of the page has left are among
// them; what ended badly and is kept waits at the top for somebody to decide.
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { RaftkvError, Write } from 'raftkv';
import { useKv, useLive } from '@raftkv/react';
import { usePage } from '../context.ts';
import { formatMilliseconds } from '../model/format.ts';
import { describeWrite, refusal } from '../model/words.ts';
import { writesToShow } from '../model/write-log.ts';
import type { LoggedWrite } from '../model/write-log.ts';
import { StateBadge } from '../parts/write-badge.tsx';

export function WriteList(): ReactElement {
  const { writes, author } = usePage();
  const all = useLive(writes);
  const shown = writesToShow(all);
  const undecided = all.filter((write) => write.undecided !== undefined).length;
  return (
    <section className="writes" aria-labelledby="writes-title">
      <h3 id="writes-title">
        Your last writes <span className="quiet">in this tab, as {author.name}</span>
      </h3>
      {undecided > 0 && (
        <p className="conflict" role="status">
          {undecided === 1 ? 'One write needs your decision.' : `${undecided} writes need your decision.`}
        </p>
      )}
      <ol>
        {shown.map((write) => (
          <WriteLine key={write.id} write={write} />
        ))}
        {shown.length === 0 && <li className="hollow">None yet. Each one will say: waiting, sent, committed.</li>}
      </ol>
    </section>
  );
}

function WriteLine({ write }: { readonly write: LoggedWrite }): ReactElement {
  const { undecided } = write;
  return (
    <li>
      <StateBadge state={write.state} />
      <span className="clip">{write.text}</span>
      <span className="time">{write.milliseconds === undefined ? '…' : formatMilliseconds(write.milliseconds)}</span>
      {write.state.error !== undefined && <span className="why">{describeWrite(write.state).long}</span>}
      {undecided !== undefined && <Decision write={undecided} text={write.text} />}
    </li>
  );
}

/** Retrying asks for no condition any more: whoever presses it has seen what is there instead. */
function Decision({ write, text }: { readonly write: Write<unknown>; readonly text: string }): ReactElement {
  const { outbox } = useKv();
  const { writes } = usePage();
  const [failure, setFailure] = useState<RaftkvError>();
  const retry = (): void => {
    try {
      const again = outbox?.retry(write);
      writes.decided(write);
      if (again !== undefined) writes.follow(`Again: ${text}`, again);
    } catch (error) {
      setFailure(error as RaftkvError);
    }
  };
  const discard = async (): Promise<void> => {
    try {
      await outbox?.discard(write);
      writes.decided(write);
    } catch (error) {
      setFailure(error as RaftkvError);
    }
  };
  return (
    <span className="decision">
      <span>Needs your decision</span>
      <button type="button" aria-label={`Retry: ${text}`} onClick={retry}>
        Retry
      </button>
      <button type="button" aria-label={`Discard: ${text}`} onClick={() => void discard()}>
        Discard
      </button>
      {failure !== undefined && <span role="alert">{refusal(failure)}</span>}
    </span>
  );
}
