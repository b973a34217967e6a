// The board: three lanes of cards that every tab sees and changes. Rows come from the live query, so what another tab writes is here at once.
import { useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import type { Write } from 'raftkv';
import { useScan, useStatus, useWrites } from '@raftkv/react';
import { AddCard, Welcome } from './add-card.tsx';
import { CardView } from './card-view.tsx';
import { boardRange, byLane, cardType, laneTitles, lanes, neighbourLane, rankAfter } from './card-model.ts';
import type { CardRow, Lane } from './card-model.ts';
import { useBoardActions } from './use-board.ts';
import { walk } from './walk.ts';
import { WriteList } from './write-list.tsx';

export function Board(): ReactElement {
  const isOpening = useStatus((status) => status.phase === 'loading');
  const { status } = useScan(boardRange);
  return (
    <section className="board" aria-labelledby="board-title">
      <div className="intro">
        <h2 id="board-title">Board</h2>
        <p>
          Open this page in a second tab: what one writes, the other shows. Each card says how far its last write has
          come.
        </p>
      </div>
      {isOpening || status === 'pending' ? <Skeleton /> : <OpenBoard />}
      <WriteList />
    </section>
  );
}

function OpenBoard(): ReactElement {
  const { data = [] } = useScan(boardRange);
  const writes = useWrites();
  const actions = useBoardActions();
  const [deleted, setDeleted] = useState<CardRow>();
  const [movedKey, setMovedKey] = useState<string>();
  const rows = byLane(data);
  const isEmpty = lanes.every((lane) => rows[lane].length === 0);

  const move = (row: CardRow, lane: Lane): void => {
    setMovedKey(undefined);
    actions.move(row, lane, rankAfter(rows[lane]));
  };
  const remove = (row: CardRow): void => {
    actions.remove(row);
    setDeleted(row);
  };
  return (
    <>
      <div className="board-tools">
        <AddCard onAdd={(title) => actions.add([title], rankAfter(rows.todo))} />
        <p className="undo" aria-live="polite">
          {deleted !== undefined && (
            <>
              <span className="clip">“{deleted.value.title}” is gone.</span>
              <button
                type="button"
                className="link"
                // What had the keyboard is gone.
                autoFocus
                onClick={() => {
                  actions.restore(deleted);
                  setDeleted(undefined);
                }}
              >
                Put it back
              </button>
            </>
          )}
        </p>
      </div>
      <div className="lanes" onKeyDown={walk}>
        {lanes.map((lane) => (
          <LaneView key={lane} lane={lane} rows={rows[lane]} onDrop={(key) => drop(data as CardRow[], key, lane, move)}>
            {rows[lane].map((row) => (
              <CardView
                key={row.key}
                row={row}
                write={writes.findLast((write) => write.keys.includes(row.key) && !isMadeAgain(write))}
                actions={actions}
                takesFocus={movedKey === row.key}
                onMove={(step) => {
                  const to = neighbourLane(lane, step);
                  if (to === undefined) return;
                  move(row, to);
                  setMovedKey(row.key);
                }}
                onRemove={() => remove(row)}
              />
            ))}
            {isEmpty && lane === 'todo' && <Welcome actions={actions} />}
          </LaneView>
        ))}
      </div>
    </>
  );
}

/** It did not fit on this device, and has gone on unkept: see `use-board.ts`. */
function isMadeAgain({ state }: Write<unknown>): boolean {
  return state.getSnapshot().error?.code === 'storage_full';
}

interface LaneProps {
  readonly lane: Lane;
  readonly rows: readonly CardRow[];
  readonly onDrop: (key: string) => void;
  readonly children: ReactNode;
}

function LaneView({ lane, rows, onDrop, children }: LaneProps): ReactElement {
  const [isOver, setIsOver] = useState(false);
  return (
    <section
      className={`lane${isOver ? ' is-over' : ''}`}
      aria-labelledby={`lane-${lane}`}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(cardType)) return;
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setIsOver(false);
      }}
      onDrop={(event) => {
        setIsOver(false);
        onDrop(event.dataTransfer.getData(cardType));
      }}
    >
      <h3 id={`lane-${lane}`}>
        {laneTitles[lane]} <span className="count">{rows.length}</span>
      </h3>
      <ul>{children}</ul>
      {rows.length === 0 && <p className="hollow">{emptyLane[lane]}</p>}
    </section>
  );
}

const emptyLane: Readonly<Record<Lane, string>> = {
  todo: 'Nothing to do.',
  doing: 'Nobody is at anything.',
  done: 'Nothing done yet.',
};

function drop(rows: readonly CardRow[], key: string, lane: Lane, move: (row: CardRow, lane: Lane) => void): void {
  const row = rows.find((each) => each.key === key);
  if (row !== undefined && row.value.lane !== lane) move(row, lane);
}

function Skeleton(): ReactElement {
  return (
    <>
      <div className="board-tools" aria-hidden="true">
        <div className="add ghost" />
        <p className="undo" />
      </div>
      <div className="lanes" aria-busy="true" aria-label="The board is being fetched">
        {lanes.map((lane) => (
          <div key={lane} className="lane">
            <h3>{laneTitles[lane]}</h3>
            <div className="card ghost" />
            <div className="card ghost" />
          </div>
        ))}
      </div>
    </>
  );
}
