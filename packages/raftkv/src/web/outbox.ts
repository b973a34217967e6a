// Keeping writes in a browser: the observer's parts on IndexedDB, Web Locks and a channel between the tabs of an origin. An entry of its own, so that a page
// which keeps none does not carry it. Elsewhere nothing can be kept, and the status says so.
import type { KeepWrites, OutboxHost, WriteKeeper } from '@raftkv/observer';
import { keepWrites } from '@raftkv/observer/outbox';
import type { KeeperOptions } from '@raftkv/observer/outbox';
import { watchPage } from '@raftkv/observer/web';
import type { PageWatcher } from '@raftkv/observer/web';
import { MemoryOutbox } from '@raftkv/storage';
import type { OutboxStorage } from '@raftkv/storage';
import { deleteIndexedDbOutbox, openIndexedDbOutbox } from '@raftkv/storage/web';
import { RaftkvError } from '@raftkv/wire';
import { defaultReplicaName } from '../replica-options.ts';
import { decodeRoomLink } from '../room/room-link.ts';
import { roomScope } from '../room/room-outbox.ts';
import { askWhileWaiting } from './ask-while-waiting.ts';
import { TabLaneLocks } from './lane-locks.ts';

export interface KeptWritesOptions extends Pick<KeeperOptions, 'maxWrites' | 'maxBytes' | 'maxAgeMilliseconds'> {
  /** Writes of other names, of one origin, have nothing to do with each other, nor have those of rooms; 1 to 80 characters, no slash. Default "default". */
  readonly name?: string;
  /**
   * Let the browser ask before a page is left from which kept writes were not sent yet. They are not lost then, only not sent before the app is opened again.
   * Default false: it asks about writes that are not kept alone.
   */
  readonly asksBeforeLeaving?: boolean;
}

/**
 * The option `outbox` of `openReplica` and of rooms: what `kv.mutate` writes is kept in IndexedDB, forced to the medium, until it is settled, over reloads and crashes, and
 * sent exactly once. Throws `invalid_argument` for a name that is none.
 *
 * @example
 * ```ts
 * const kv = await openReplica({ endpoints: [location.host], outbox: keptWrites() }); // or joinRoom(link, { signalling, outbox: keptWrites() })
 * const write = kv.mutate([{ type: 'put', key: 'title', value: 'New' }], { if: [{ key: 'title', revision: 7 }] });
 * write.state.subscribe(() => console.log(write.state.getSnapshot()));  // local, kept; sent; committed, or refused with error.found
 * ```
 */
export function keptWrites(options: KeptWritesOptions = {}): KeepWrites {
  const name = checkedName(options.name);
  const { asksBeforeLeaving = false, maxWrites, maxBytes, maxAgeMilliseconds } = options;
  const limits = {
    ...(maxWrites && { maxWrites }),
    ...(maxBytes && { maxBytes }),
    ...(maxAgeMilliseconds && { maxAgeMilliseconds }),
  };
  return async (host) => {
    const keeper = await keepIn(name, limits)(host);
    return asksBeforeLeaving ? askWhileWaiting(keeper, presentPage()) : keeper;
  };
}

/**
 * Removes what is kept under this name, sent or not, seen or not: on the wish of a user alone. `roomLink`: what is kept of that room, and not of the app itself.
 *
 * @throws RaftkvError `storage_locked` if a tab that does not answer is in the way, `invalid_argument` for what is no link
 */
export async function forgetKeptWrites(
  options: { readonly name?: string; readonly roomLink?: string } = {},
): Promise<void> {
  const { name, roomLink } = options;
  const scope = roomLink === undefined ? undefined : roomScope(decodeRoomLink(roomLink));
  await deleteIndexedDbOutbox(placeOf(checkedName(name), scope));
}

type Limits = Pick<KeeperOptions, 'maxWrites' | 'maxBytes' | 'maxAgeMilliseconds'>;

function keepIn(name: string, limits: Limits) {
  return <Value, K extends string | Uint8Array>(host: OutboxHost<Value, K>): Promise<WriteKeeper<Value, K>> => {
    const place = placeOf(name, host.scope);
    const locks = presentLocks();
    const open = async (): Promise<OutboxStorage> => {
      if (locks === undefined)
        throw new RaftkvError('unsupported', 'without Web Locks (an insecure page) nothing is kept');
      return openIndexedDbOutbox({ name: place });
    };
    return keepWrites({
      ...limits,
      open,
      fallback: new MemoryOutbox(),
      locks: locks && new TabLaneLocks(place, locks),
      clock: {
        schedule: (callback, milliseconds) => {
          const timer = setTimeout(callback, milliseconds);
          return () => clearTimeout(timer);
        },
        wallTime: () => Date.now(),
      },
      watchPage: (life: PageWatcher) => watchPage(presentPage(), life),
    })(host);
  };
}

function presentLocks(): LockManager | undefined {
  return (globalThis as Partial<typeof globalThis>).navigator?.locks as LockManager | undefined;
}

/** A worker is never hidden or put away. */
function presentPage() {
  const { document } = globalThis as Partial<typeof globalThis>;
  return {
    window: globalThis,
    document: document ?? Object.assign(new EventTarget(), { visibilityState: 'visible' as const }),
    locks: undefined,
  };
}

/** No name has a slash in it, so none is that of a room. */
function placeOf(name: string, scope: string | undefined): string {
  return scope === undefined ? name : `${name}/${scope}`;
}

function checkedName(name: string = defaultReplicaName): string {
  if (typeof name === 'string' && /^[^/]{1,80}$/.test(name)) return name;
  throw new RaftkvError('invalid_argument', 'the name of an outbox has 1 to 80 characters, none of them a slash');
}
