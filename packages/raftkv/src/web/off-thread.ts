// The door for a page whose replica lives in a worker: storage, the feed and sockets are there, and the page has its copy, its queries and its writes. A
// page that is busy stops nothing, and a copy that is fetched does not make the page busy.
import { RaftkvError } from '@raftkv/wire';
import type { Dial, LiveKv, UserKey } from '@raftkv/client';
import { dialEndpoint } from '@raftkv/client/parts';
import { WorkerResidence, openSharedReplica } from '@raftkv/observer/web';
import type { StartedWorker, TravellingOptions } from '@raftkv/observer/web';
import { dialThrough, serveDials } from '@raftkv/transport/web';
import type { RemoteDialler } from '@raftkv/transport/web';
import type { ReplicaOptions } from '../replica-options.ts';
import { ownName, placeFor, presentPage } from './place.ts';
import type { Place } from './place.ts';
import type { WorkerPlace } from './worker-place.ts';

export interface OffThreadOptions<Value = unknown> extends ReplicaOptions<Value> {
  /** Makes a worker of `raftkv/worker`; called again if it dies. */
  readonly worker: () => Worker;
}

/**
 * As `openReplica` of `raftkv`, with the replica in a worker. Where none can be had, now or later, it lives in the page, and `replica` says so (`thread`,
 * `threadError`). With a `dial` of your own the page dials, for the worker too. Throws `invalid_argument` for options that make no sense.
 *
 * @example
 * ```ts
 * const kv = await openReplica({
 *   endpoints: [location.host],
 *   worker: () => new Worker(new URL('raftkv/worker', import.meta.url), { type: 'module' }),
 * });
 * ```
 */
export function openReplica<Value = unknown>(
  options: OffThreadOptions<Value> & { readonly keys: 'bytes' },
): Promise<LiveKv<Value, Uint8Array>>;
export function openReplica<Value = unknown>(options: OffThreadOptions<Value>): Promise<LiveKv<Value>>;
export async function openReplica<Value, K extends UserKey>(
  options: OffThreadOptions<Value>,
): Promise<LiveKv<Value, K>> {
  const page = presentPage();
  const place = placeFor(options);
  if (place.isAlone) place.name = await ownName(place, page);
  const sockets = new Sockets(options.dial);
  let residence: WorkerResidence<WorkerPlace> | undefined;
  return openSharedReplica<Value, K>({
    ...options,
    dial: sockets.dial,
    page,
    show: (status) => residence?.show(status) ?? status,
    reside: (assembly) =>
      (residence = new WorkerResidence<WorkerPlace>(assembly, {
        page,
        options: travelling(options),
        start: () => sockets.start(options.worker, place),
        resideHere: async () => {
          sockets.stayHere();
          const { resideInPage } = await import('./residence-here.ts');
          return resideInPage(assembly, place, page);
        },
      })),
  });
}

/** Who dials: the worker for the page, or the page for the worker. */
class Sockets {
  readonly #ownDial: Dial | undefined;
  #through: RemoteDialler | undefined;
  #isHere: boolean;

  constructor(ownDial: Dial | undefined) {
    this.#ownDial = ownDial;
    this.#isHere = ownDial !== undefined;
  }

  /** For the page's own calls. */
  readonly dial: Dial = (endpoint, options) => {
    if (this.#isHere) return (this.#ownDial ?? dialEndpoint)(endpoint, options);
    // The client tries again: between two workers there is none.
    return this.#through?.dial(endpoint, options) ?? Promise.reject(new RaftkvError('connect_failed', 'no worker yet'));
  };

  stayHere(): void {
    this.#isHere = true;
  }

  start(makeWorker: () => Worker, place: Place): StartedWorker<WorkerPlace> {
    const worker = makeWorker();
    const { port1, port2 } = new MessageChannel();
    const dials = { place: { ...place, dials: port2, dialsHere: this.#ownDial === undefined }, transfer: [port2] };
    if (this.#ownDial !== undefined) return { worker, ...dials, onEnd: serveDials(port1, this.#ownDial) };
    const through = dialThrough(port1);
    this.#through = through;
    return { worker, ...dials, onEnd: () => through.lose() };
  }
}

/** What a worker can be told, and has use for. */
function travelling({
  endpoints,
  ranges,
  clusterId,
  requestTimeoutMilliseconds,
  connectTimeoutMilliseconds,
  retries,
  retryDelayMilliseconds,
  keepAliveMilliseconds,
  limits,
}: TravellingOptions): TravellingOptions {
  const found = { endpoints, ranges, clusterId, requestTimeoutMilliseconds, connectTimeoutMilliseconds, retries };
  const all = { ...found, retryDelayMilliseconds, keepAliveMilliseconds, limits };
  // What is not said is for the worker to choose.
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as TravellingOptions;
}
