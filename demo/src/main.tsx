// The composition root of the page: finds out where it is, opens this tab's replica and the watch over the cluster, and shows the app.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RaftkvProvider } from '@raftkv/react';
import type { LiveKv } from 'raftkv';
import { App } from './app.tsx';
import { drawAuthor } from './author.ts';
import { PageProvider } from './context.ts';
import { DevApi, findDevSession } from './dev-api.ts';
import { ClusterWatch } from './model/cluster-watch.ts';
import { WriteLog } from './model/write-log.ts';
import { forgetCopy, openOperator, openTab } from './replica.ts';

const root = createRoot(document.querySelector('#root')!);
const session = await findDevSession();
const endpoints = session?.endpoints ?? [];
const dev = session === undefined ? undefined : new DevApi(session);
const watch = new ClusterWatch({ operator: openOperator(endpoints), dev, endpoints });
const writes = new WriteLog(() => performance.now());
const author = drawAuthor();
const expected = session?.endpoints.length ?? 3;
watch.start();

let kv: LiveKv | undefined;
const forget = async (): Promise<void> => {
  await kv?.close();
  await forgetCopy();
  location.reload();
};

show(undefined);
try {
  kv = await openTab(endpoints);
  show(kv);
} catch (error) {
  show(undefined, error as Error);
}

function show(opened: LiveKv | undefined, failure?: Error): void {
  root.render(
    <StrictMode>
      <RaftkvProvider kv={opened}>
        <PageProvider value={{ watch, dev, writes, author, expected, forget }}>
          <App failure={failure} />
        </PageProvider>
      </RaftkvProvider>
    </StrictMode>,
  );
}
