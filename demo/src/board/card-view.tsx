// One card: what it says, whose it was last, how far its last write has come, and what can be done to it. While its title is edited it remembers
// the revision that the editing began from; if somebody else changes the card meanwhile, saving is refused and the choice is shown.
import { useEffect, useRef, useState } from 'react';
import type { CSSProperties, FormEvent, KeyboardEvent, ReactElement } from 'react';
import type { RaftkvError, Write } from 'raftkv';
import { refusal } from '../model/words.ts';
import { Icon } from '../parts/icon.tsx';
import { StateBadge, WriteBadge } from '../parts/write-badge.tsx';
import { cardType, maxTitleLength, neighbourLane } from './card-model.ts';
import type { CardRow } from './card-model.ts';
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

interface TitleFormProps {
  readonly row: CardRow;
  readonly actions: BoardActions;
  readonly onDone: () => void;
}

function TitleForm({ row, actions, onDone }: TitleFormProps): ReactElement {
  /** What the editing began from. Of an own write that is on its way the revision is not known yet. */
  const [begun, setBegun] = useState({ revision: row.isPending ? undefined : row.revision, title: row.value.title });
  const [title, setTitle] = useState(row.value.title);
  const [isWanted, setIsWanted] = useState(false);
  const [isSaving, setIsSaving] = useState(false);
  const [failure, setFailure] = useState<RaftkvError>();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  const isSettled = !row.isPending;
  if (isSettled && begun.revision === undefined) {
    // Settled as it was shown: from here on. Else somebody was faster, and revision 0 is none that a card has.
    setBegun({ ...begun, revision: row.value.title === begun.title ? row.revision : 0 });
  }
  const isOvertaken = isSettled && begun.revision !== undefined && row.revision !== begun.revision;

  const save = async (revision: number | undefined): Promise<void> => {
    setIsSaving(true);
    setFailure(undefined);
    const error = await actions.rename(row, title.trim(), revision);
    setIsSaving(false);
    if (error === undefined) onDone();
    else setFailure(error);
  };
  const saveLatest = useRef(save);
  useEffect(() => {
    saveLatest.current = save;
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (title.trim() === '' || isSaving || isWanted) return;
    if (title.trim() === row.value.title) onDone();
    else setIsWanted(true);
  };
  const { revision } = begun;
  useEffect(() => {
    if (!isWanted || revision === undefined) return;
    setIsWanted(false);
    void saveLatest.current(revision);
  }, [isWanted, revision]);
  return (
    <form
      className="edit"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        onDone();
      }}
    >
      <input
        ref={input}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        aria-label="Title"
        maxLength={maxTitleLength}
        name="title"
        autoComplete="off"
      />
      {isOvertaken ? (
        <p className="conflict" role="alert">
          <strong>{failure === undefined ? 'Changed meanwhile:' : 'Refused:'}</strong> {row.value.by} made it “
          {row.value.title}” first.
        </p>
      ) : (
        failure !== undefined && (
          <p className="conflict" role="alert">
            <strong>{failure.definite ? 'Refused:' : 'Perhaps not saved:'}</strong> {refusal(failure)}
          </p>
        )
      )}
      <div className="choices">
        {isOvertaken ? (
          <>
            <button type="button" onClick={onDone}>
              Keep theirs
            </button>
            <button
              type="button"
              disabled={isSaving}
              onClick={() => {
                setBegun({ revision: row.revision, title: row.value.title });
                void save(row.revision);
              }}
            >
              Save mine over it
            </button>
          </>
        ) : (
          <>
            <button type="submit" className="strong" disabled={title.trim() === '' || isSaving || isWanted}>
              {isSaving || isWanted ? 'Saving …' : 'Save'}
            </button>
            <button type="button" onClick={onDone}>
              Cancel
            </button>
          </>
        )}
      </div>
      {!isOvertaken && <p className="hint">Saved only if nobody changes the card meanwhile.</p>}
    </form>
  );
}
