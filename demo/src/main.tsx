// The composition root of the page: finds out where it is, opens this tab's replica and the watch over the cluster, and shows the app. Who comes for a room
// needs neither: they are opened when another part of the page is.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RaftkvProvider } from '@raftkv/react';
import type { Kv, LiveKv } from 'raftkv';
import { App } from './app.tsx';
import { drawAuthor } from './author.ts';
import { PageProvider } from './context.ts';
import { DevApi, findDevSession } from './dev-api.ts';
import type { DevSession } from './dev-api.ts';
import { ClusterWatch } from './model/cluster-watch.ts';
import { describeFound } from './board/found-write.ts';
import { WriteLog } from './model/write-log.ts';
import { forgetCopy, openOperator, openTab } from './replica.ts';
import { room } from './route.ts';

const root = createRoot(document.querySelector('#root')!);
await leadToRoom();
const session = room.getSnapshot() === 'room' ? undefined : await findDevSession();
const author = drawAuthor();
const writes = new WriteLog(() => performance.now());
let kv: LiveKv | undefined;
let isOpened = false;
let shown = compose(session);

show();
if (room.getSnapshot() === 'room') room.subscribe(() => void openLater());
else await open();

/** A page on a static host has no cluster, but it can have a room. */
async function leadToRoom(): Promise<void> {
  if (location.hash !== '') return;
  // One that does not answer at all is a node that is down.
  const answer = await fetch('/livez', { cache: 'no-store' }).catch(() => undefined);
  if (answer !== undefined && answer.headers.get('content-type') !== 'application/json') location.replace('#/room');
}

async function openLater(): Promise<void> {
  if (isOpened || room.getSnapshot() === 'room') return;
  shown = compose(await findDevSession());
  await open();
}

async function open(): Promise<void> {
  if (isOpened) return;
  isOpened = true;
  shown.watch.start();
  show();
  try {
    const opened = await openTab(shown.endpoints);
    writes.adopt(opened.writes, (write) => describeFound(opened, write));
    kv = opened;
    show();
  } catch (error) {
    show(error as Error);
  }
}

function compose(found: DevSession | undefined) {
  const endpoints = found?.endpoints ?? [];
  const dev = found === undefined ? undefined : new DevApi(found);
  let operator: Kv | undefined;
  const watch = new ClusterWatch({
    get operator() {
      // It connects: not before somebody looks.
      return (operator ??= openOperator(endpoints));
    },
    dev,
    endpoints,
  });
  return { endpoints, dev, watch, writes, author, expected: found?.endpoints.length ?? 3, forget };
}

async function forget(): Promise<void> {
  await kv?.close();
  await forgetCopy();
  location.reload();
}

function show(failure?: Error): void {
  root.render(
    <StrictMode>
      <RaftkvProvider kv={kv}>
        <PageProvider value={shown}>
          <App failure={failure} />
        </PageProvider>
      </RaftkvProvider>
    </StrictMode>,
  );
}
