// One card: what it says, whose it was last, how far its last write has come, and what can be done to it. Its title is changed in
// `title-form.tsx`.
import { useEffect, useRef, useState } from 'react';
import type { CSSProperties, KeyboardEvent, ReactElement } from 'react';
import type { Write } from 'raftkv';
import { Icon } from '../parts/icon.tsx';
import { StateBadge, WriteBadge } from '../parts/write-badge.tsx';
import { cardType, neighbourLane } from './card-model.ts';
import type { CardRow } from './card-model.ts';
import { TitleForm } from './title-form.tsx';
import type { BoardActions } from './use-board.ts';

interface CardProps {
  readonly row: CardRow;
  /** The last own write that touches it, while it is not settled or was refused. */
  readonly write: Write<unknown> | undefined;
  readonly actions: BoardActions;
  /** It has just been moved by whoever has the keyboard on it: the keyboard stays with it. */
  readonly takesFocus: boolean;
  readonly onMove: (step: 1 | -1) => void;
  readonly onRemove: () => void;
}

export function CardView({ row, write, actions, takesFocus, onMove, onRemove }: CardProps): ReactElement {
  const [isEditing, setIsEditing] = useState(false);
  const self = useRef<HTMLLIElement>(null);
  const { title, lane, by, hue } = row.value;
  useEffect(() => {
    if (takesFocus) self.current?.focus();
  }, [takesFocus]);
  const close = (): void => {
    setIsEditing(false);
    self.current?.focus();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.target !== self.current) return;
    if (event.altKey && event.key === 'ArrowLeft') onMove(-1);
    else if (event.altKey && event.key === 'ArrowRight') onMove(1);
    else if (event.key === 'Enter' || event.key === 'F2') setIsEditing(true);
    else if (event.key === 'Delete') onRemove();
    else return;
    event.preventDefault();
  };
  return (
    <li
      ref={self}
      className={`card${row.isPending ? ' is-pending' : ''}`}
      style={{ '--hue': hue } as CSSProperties}
      tabIndex={0}
      aria-label={title}
      draggable={!isEditing}
      onDragStart={(event) => {
        event.dataTransfer.setData(cardType, row.key);
        event.dataTransfer.effectAllowed = 'move';
      }}
      onKeyDown={press}
    >
      {isEditing ? (
        <TitleForm row={row} actions={actions} onDone={close} />
      ) : (
        <>
          <p className="title">{title}</p>
          {write === undefined || !row.isPending ? <Settled row={row} write={write} /> : <WriteBadge write={write} />}
          <div className="foot">
            <span className="by">
              <span className="swatch" aria-hidden="true" />
              <span className="clip">{by}</span>
            </span>
            <div className="tools">
              <button
                type="button"
                className="bare"
                aria-label={`Move “${title}” left`}
                title="Move left (Alt + ←)"
                disabled={neighbourLane(lane, -1) === undefined}
                onClick={() => onMove(-1)}
              >
                <Icon name="left" />
              </button>
              <button
                type="button"
                className="bare"
                aria-label={`Move “${title}” right`}
                title="Move right (Alt + →)"
                disabled={neighbourLane(lane, 1) === undefined}
                onClick={() => onMove(1)}
              >
                <Icon name="right" />
              </button>
              <button
                type="button"
                className="bare"
                aria-label={`Rename “${title}”`}
                title="Rename (Enter)"
                onClick={() => setIsEditing(true)}
              >
                <Icon name="pencil" />
              </button>
              <button
                type="button"
                className="bare"
                aria-label={`Delete “${title}”`}
                title="Delete (Del)"
                onClick={onRemove}
              >
                <Icon name="trash" />
              </button>
            </div>
          </div>
        </>
      )}
    </li>
  );
}

/** A refused write is shown until something newer happened to the card. */
function Settled({ row, write }: Pick<CardProps, 'row' | 'write'>): ReactElement {
  const [seenAt] = useState(() => new WeakMap<Write<unknown>, number>());
  if (write !== undefined) {
    if (!seenAt.has(write)) seenAt.set(write, row.revision);
    if (seenAt.get(write) === row.revision) return <WriteBadge write={write} />;
  }
  return <StateBadge state={{ status: 'committed', error: undefined, revision: row.revision }} />;
}
