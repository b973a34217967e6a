// The title of a card while it is changed. It remembers the revision that this began from: if somebody else changes the card meanwhile, saving is
// refused, and whoever is at it chooses.
import { useEffect, useRef, useState } from 'react';
import type { FormEvent, ReactElement } from 'react';
import type { RaftkvError } from 'raftkv';
import { refusal } from '../model/words.ts';
import { maxTitleLength } from './card-model.ts';
import type { CardRow } from './card-model.ts';
import type { BoardActions } from './use-board.ts';

interface TitleFormProps {
  readonly row: CardRow;
  readonly actions: BoardActions;
  readonly onDone: () => void;
}

export function TitleForm({ row, actions, onDone }: TitleFormProps): ReactElement {
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
