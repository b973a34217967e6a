// How cards come to the board: one by its title, or three to try things with while there is none.
import { useState } from 'react';
import type { FormEvent, ReactElement } from 'react';
import { Icon } from '../parts/icon.tsx';
import { maxTitleLength } from './card-model.ts';
import type { BoardActions } from './use-board.ts';

export function AddCard({ onAdd }: { readonly onAdd: (title: string) => void }): ReactElement {
  const [title, setTitle] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (title.trim() === '') return;
    onAdd(title.trim());
    setTitle('');
  };
  return (
    <form className="add" onSubmit={submit}>
      <input
        value={title}
        onChange={(event) => setTitle(event.target.value)}
        placeholder="A new card"
        aria-label="Title of a new card"
        maxLength={maxTitleLength}
        autoComplete="off"
        name="title"
      />
      <button type="submit" disabled={title.trim() === ''}>
        <Icon name="plus" /> Add
      </button>
    </form>
  );
}

export function Welcome({ actions }: { readonly actions: BoardActions }): ReactElement {
  const samples = [
    'Open a second tab beside this one',
    'Kill the leader, and go on writing',
    'Go offline, write, and come back',
  ];
  return (
    <li className="welcome">
      <p>The board is empty. Add a card, or begin with three.</p>
      <button type="button" onClick={() => actions.add(samples, 1)}>
        Add three cards to try
      </button>
    </li>
  );
}
