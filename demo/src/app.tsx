// The frame of the page: the header, the line that says how things are, and the rooms. On a wide window the application and what is under it stand
// side by side; on a narrow one each room has the window to itself.
import { Suspense, lazy } from 'react';
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { Board } from './board/board.tsx';
import { Cities } from './cities/cities.tsx';
import { ClusterPanel } from './cluster/cluster-panel.tsx';
import { StateLine } from './parts/state-line.tsx';
import { ThemeSwitch } from './parts/theme-switch.tsx';
import { room } from './route.ts';
import type { Room } from './route.ts';
import { TabPanel } from './tab/tab-panel.tsx';

/** It carries the whole engine: only who opens it loads it. */
const RoomApp = lazy(async () => ({ default: (await import('./room/view/room-app.tsx')).RoomApp }));

const titles: Readonly<Record<Room, string>> = {
  board: 'Board',
  cities: 'Cities',
  cluster: 'Cluster',
  tab: 'This tab',
  room: 'Room',
};

export function App({ failure }: { readonly failure: Error | undefined }): ReactElement {
  const open = useLive(room);
  return (
    <div className="page" data-room={open}>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <h1 className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M16 7 25 23H7Z" />
            <circle cx="16" cy="7" r="4.5" />
            <circle cx="7" cy="23" r="3.5" />
            <circle cx="25" cy="23" r="3.5" />
          </svg>
          raftkv
        </h1>
        <nav aria-label="Rooms">
          {Object.entries(titles).map(([name, title]) => (
            <a
              key={name}
              href={name === 'room' ? '#/room' : `#${name}`}
              data-for={name}
              aria-current={name === open ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
        <ThemeSwitch />
      </header>
      {open === 'room' ? (
        <Suspense fallback={<p className="state-line">Opening.</p>}>
          <RoomApp />
        </Suspense>
      ) : (
        <Rooms open={open} failure={failure} />
      )}
    </div>
  );
}

/** What lives on a cluster of servers. */
function Rooms({ open, failure }: { readonly open: Room; readonly failure: Error | undefined }): ReactElement {
  return (
    <>
      <StateLine failure={failure} />
      <div className="rooms">
        <main id="main" tabIndex={-1}>
          {open === 'cities' ? <Cities /> : <Board />}
        </main>
        <aside aria-label="The cluster">
          <ClusterPanel />
        </aside>
        <aside aria-label="This tab">
          <TabPanel />
        </aside>
      </div>
    </>
  );
}
