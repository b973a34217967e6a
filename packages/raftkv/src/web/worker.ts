// The script of a worker in which replicas of pages live: an app's bundler makes a worker of it, and `raftkv/off-thread` starts that. It serves the page
// that made it, from its first turn on; outside of a worker it does nothing.
import { dialThrough, serveDials } from '@raftkv/transport/web';
import { dialEndpoint } from '@raftkv/client/parts';
import { serveReplica } from '@raftkv/observer/web';
import type { WorkerScope } from '@raftkv/observer/web';
import { presentPage } from './place.ts';
import type { WorkerPlace } from './worker-place.ts';
import { residenceAt } from './residence-at.ts';

const scope = globalThis as unknown as WorkerScope & { readonly WorkerGlobalScope?: unknown };
if (scope.WorkerGlobalScope !== undefined) {
  serveReplica(scope, ({ dials, dialsHere, ...place }: WorkerPlace) => {
    const residence = residenceAt(place, presentPage());
    if (!dialsHere) return { residence, dial: dialThrough(dials).dial };
    serveDials(dials, dialEndpoint);
    return { residence };
  });
}
