// What may be done when the room cannot go on by itself, or went on without this tab: each way with what it costs, in plain words, and none without being asked for.
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { RoomSource } from '../source/room-source.ts';
import type { RoomView } from '../source/room-view.ts';
import { useAct } from './use-act.ts';
import { capital, waysWords } from './words.ts';

interface WaysOnProps {
  readonly view: RoomView;
  readonly source: Pick<RoomSource, 'goOnFromHere' | 'unmerged' | 'joinAnew'>;
}

export function WaysOn({ view, source }: WaysOnProps): ReactElement | null {
  if (view.phase !== 'running') return null;
  if (view.isSuperseded) return <Rejoin source={source} />;
  if (view.quorum === 'lost' && view.isMember) return <GoOn view={view} source={source} />;
  return null;
}

function GoOn({ view, source }: WaysOnProps): ReactElement {
  const [isAsked, setIsAsked] = useState(false);
  const { busy, problem, run } = useAct();
  const { text, offer, confirmation } = waysWords(view);
  const isLessEnough = view.knowsMore !== undefined;
  return (
    <div className="go-on">
      <span>{text}</span>
      {isAsked ? (
        <span className="controls">
          <button
            type="button"
            className="danger"
            disabled={busy !== undefined}
            onClick={() => run('go on', () => source.goOnFromHere({ isLessEnough }))}
          >
            {confirmation}
          </button>
          <button type="button" disabled={busy !== undefined} onClick={() => setIsAsked(false)}>
            Wait
          </button>
        </span>
      ) : (
        <button type="button" className={isLessEnough ? '' : 'strong'} onClick={() => setIsAsked(true)}>
          {offer}
        </button>
      )}
      {problem !== undefined && <p role="alert">{capital(problem)}</p>}
    </div>
  );
}

function Rejoin({ source }: Pick<WaysOnProps, 'source'>): ReactElement {
  const [found, setFound] = useState<{ readonly count: number; readonly text: string }>();
  const { busy, problem, run } = useAct();
  const look = (): void =>
    run('look', async () => {
      const unmerged = await source.unmerged();
      setFound({ count: unmerged.count, text: unmerged.export() });
    });
  return (
    <div className="go-on">
      <span>
        {found === undefined
          ? 'What only this tab has can be looked at and saved before it joins the room that went on.'
          : found.count === 0
            ? 'This tab has nothing that the room lacks.'
            : `This tab has ${found.count} ${found.count === 1 ? 'key' : 'keys'} that the room has not, has otherwise, or still has though deleted here.`}
      </span>
      <span className="controls">
        {found === undefined ? (
          <button type="button" disabled={busy !== undefined} onClick={look}>
            What only this tab has
          </button>
        ) : (
          <a
            className="link"
            href={`data:application/jsonl;charset=utf-8,${encodeURIComponent(found.text)}`}
            download="unmerged.jsonl"
          >
            Save it
          </a>
        )}
        <button
          type="button"
          className="strong"
          disabled={busy !== undefined}
          onClick={() => run('join', () => source.joinAnew())}
        >
          Forget it and join the room
        </button>
      </span>
      {problem !== undefined && <p role="alert">{capital(problem)}</p>}
    </div>
  );
}
