// The worker's side: a replica without an app, which follows the cluster or another tab, keeps the copy and feeds other tabs and its page. The page gets
// what it can take in without missing a frame: inflated, in small pieces, checked.
import type { Change } from '@raftkv/kv';
import type { FeedMessage } from '@raftkv/client/parts';
import { RaftkvError, encodeFeedChanges } from '@raftkv/wire';
import { ReplicaAssembly } from '../assembly.ts';
import type { ReplicaOptions } from '../assembly.ts';
import { TabFeeder } from '../tab-feeder.ts';
import type { TabNews, TabPort } from '../tab-pipe.ts';
import { HolderLock } from './holder-lock.ts';
import { resideHere } from './reside-here.ts';
import type { AnyAssembly, Residence, ResidenceOptions } from './residence.ts';
import { workerTalkVersion } from './worker-talk.ts';
import type { PageMessage, WorkerMessage, WorkerScope, WorkerStatus } from './worker-talk.ts';

/** What the page may have unconsumed, in messages of an eighth of it: each is taken in within a few milliseconds, all of them within a frame. */
const pageWindowBytes = 160 * 1024;
/** Changes that are larger come in pieces of whole revisions. */
const pieceBytes = 16 * 1024;

export interface ServedReplica {
  readonly residence: Omit<ResidenceOptions, 'isVisible'>;
  readonly dial?: ReplicaOptions['dial'];
}

/** Waits for the page to open the replica. `arrange`: what the place that it names is, for the door to know. */
export function serveReplica<Place>(scope: WorkerScope, arrange: (place: Place) => ServedReplica): void {
  let served: Served | undefined;
  const post = (message: WorkerMessage): void => scope.postMessage(message);
  const open = (asked: Extract<PageMessage<Place>, { type: 'open' }>): void => {
    const { version, options, place } = asked;
    try {
      if (version !== workerTalkVersion) {
        throw new RaftkvError(
          'unsupported_version',
          `the page speaks version ${version}, its worker ${workerTalkVersion}`,
        );
      }
      served = new Served({ ...options, ...arrange(place) }, asked, post);
    } catch (error) {
      const { code, message } = RaftkvError.from(error);
      post({ type: 'refused', error: { code, message } });
    }
  };
  scope.addEventListener('message', ({ data }) => {
    const message = data as PageMessage<Place>;
    if (message.type === 'open') open(message);
    else served?.hear(message);
  });
}

class Served {
  readonly #post: (message: WorkerMessage) => void;
  readonly #assembly: ReplicaAssembly<never, never>;
  readonly #feeder: TabFeeder;
  readonly #residence: Residence;
  readonly #life: HolderLock | undefined;
  #isVisible: boolean;
  #told = '';
  #index = 0;

  constructor(
    options: ReplicaOptions & ServedReplica,
    { isVisible, lifeLock }: { readonly isVisible: boolean; readonly lifeLock: string },
    post: (message: WorkerMessage) => void,
  ) {
    this.#post = post;
    this.#isVisible = isVisible;
    const { locks } = options.residence;
    this.#life = locks && lifeOf(lifeLock, locks, () => post({ type: 'alive' }));
    const assembly: AnyAssembly = new ReplicaAssembly<never, never>(options as ReplicaOptions<never>, {
      onTaken: (message, changes) => {
        this.#residence.taken?.(message);
        for (const piece of this.#piecesOf(message, changes)) this.#feeder.taken(piece);
      },
      onStorageFailed: (error) => this.#residence.storageFailed?.(error),
      onOnline: (isOnline) => {
        if (isOnline) this.#join();
        else {
          void this.#residence.leave();
          // A page in the back/forward cache must have no locks.
          this.#life?.leave();
        }
      },
      onClose: () => this.#residence.leave(),
    });
    this.#assembly = assembly;
    this.#feeder = new TabFeeder(assembly, assembly.ranges, assembly.settings.clock.now, pageWindowBytes);
    assembly.observer.subscribe((changed) => {
      if (changed === undefined) this.#feeder.replaced();
    });
    this.#residence = resideHere(assembly, { ...options.residence, isVisible: () => this.#isVisible });
    assembly.kv.replica.subscribe(() => this.#changed());
    this.#tell();
    void this.#open();
  }

  hear(message: Exclude<PageMessage<unknown>, { type: 'open' }>): void {
    switch (message.type) {
      case 'visible':
        this.#isVisible = message.isVisible;
        return;
      case 'online':
        return this.#assembly.setOnline(message.isOnline);
      case 'attach':
        return this.#feeder.accept(transferring(message.port), message);
      case 'close':
        void this.#assembly.kv.close().then(() => this.#post({ type: 'closed' }));
    }
  }

  async #open(): Promise<void> {
    if (this.#assembly.isOnline) this.#join();
    await this.#residence.settled;
    this.#post({ type: 'opened', isEmpty: this.#assembly.observer.copy === undefined });
  }

  #join(): void {
    this.#life?.queue();
    this.#residence.join();
  }

  #changed(): void {
    this.#residence.changed?.();
    this.#feeder.changed();
    this.#tell();
  }

  /** What the page shows, when it is something else than before. */
  #tell(): void {
    const { replicaId, tenancy, storage, phase, snapshots, divergences, error } = this.#assembly.status;
    const status: WorkerStatus = {
      replicaId,
      tenancy,
      storage,
      phase,
      snapshots,
      divergences,
      error: error && { code: error.code, message: error.message },
    };
    const told = JSON.stringify(status);
    if (told === this.#told) return;
    this.#told = told;
    this.#post({ type: 'status', status });
  }

  /** The same for the page: what it takes in at once is small. */
  *#piecesOf(message: FeedMessage, changes: readonly Change[]): Generator<FeedMessage, void, undefined> {
    let piece: Change[] = [];
    let bytes = 0;
    for (const change of changes) {
      if (bytes >= pieceBytes) {
        // All revisions of a piece are whole, so the page may stand here; the hash is of the last one.
        const end = piece.at(-1)!.revision;
        yield feedOf({ ...message, revision: end, index: this.#index, hash: undefined }, piece);
        [piece, bytes] = [[], 0];
      }
      piece.push(change);
      bytes += bytesOf(change);
    }
    this.#index = message.index;
    yield feedOf(message, piece);
  }
}

function lifeOf(name: string, locks: Pick<LockManager, 'request'>, onHeld: () => void): HolderLock {
  return new HolderLock({ name, locks, onHeld, onLost: () => {}, onRefused: () => {} });
}

function feedOf(message: FeedMessage, changes: readonly Change[]): FeedMessage {
  const payload = changes.length === 0 ? new Uint8Array(0) : encodeFeedChanges(changes);
  return { ...message, isDeflated: false, payload };
}

function bytesOf({ events }: Change): number {
  let bytes = 0;
  for (const event of events)
    bytes += 32 + (event.type === 'put' ? event.entry.key.length + event.entry.value.length : event.key.length);
  return bytes;
}

/** The bytes of a message go over to the page, instead of a copy. */
function transferring(port: MessagePort): TabPort {
  return {
    postMessage: (news) => {
      const { feed } = news as TabNews;
      port.postMessage(news, feed === undefined ? [] : [feed.payload.buffer as ArrayBuffer]);
    },
    close: () => port.close(),
    addEventListener: (type, listener) => {
      port.addEventListener(type, (event) => listener(event as MessageEvent));
      port.start();
    },
  };
}
