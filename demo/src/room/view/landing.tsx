// The entrance: what a room is, in a few words, and the button that makes one.
import type { ReactElement } from 'react';
import { Icon } from '../../parts/icon.tsx';

export function Landing({ onMake }: { readonly onMake: () => void }): ReactElement {
  return (
    <main id="main" tabIndex={-1} className="landing">
      <h2>A database made of browser tabs</h2>
      <p className="lead">
        Each tab keeps the log in its own storage, votes, and can lead. They agree by Raft, the way servers do. There is
        no server.
      </p>
      <p className="landing-actions">
        <button type="button" className="strong large" onClick={onMake}>
          <Icon name="plus" /> Make a room
        </button>
      </p>
      <ol className="steps">
        <li>
          <strong>Open its link in two more tabs.</strong> They find each other and elect a leader. You see every
          heartbeat.
        </li>
        <li>
          <strong>Close the leader, cut a link, freeze a tab.</strong> The others go on, and a checker watches every
          answer.
        </li>
        <li>
          <strong>Switch a safety rule off.</strong> The checker catches what goes wrong within seconds.
        </li>
      </ol>
      <p className="landing-more">
        <a className="link" href="#/room/break-it">
          Break it: see the checker fail
        </a>
        <a className="link" href="#/room/replay">
          Replay a trace
        </a>
      </p>
    </main>
  );
}
