// The page's side of a member that lives in a worker: `openTabMember` with the same status, the same dial and the same end, while storage, core and network
// run in a thread that a busy page does not stop. A worker that dies is a member that crashed: it comes back as itself, with what is durable.
import { HolderLock } from '@raftkv/observer/web';
import { dialThrough } from '@raftkv/transport/web';
import type { RemoteDialler } from '@raftkv/transport/web';
import { lendPeerConnections } from '@raftkv/transport/webrtc';
import type { Loan } from '@raftkv/transport/webrtc';
import { RaftkvError } from '@raftkv/wire';
import { presentTabPage } from '../member/page-life.ts';
import { profileDomain } from '../room-domain.ts';
import type { TabMember } from '../member/tab-member.ts';
import type { TabMemberStatus } from '../member/tab-options.ts';
import { passOnPage } from './moved-page.ts';
import type { PageMessage, ToldError, TravellingOptions, WorkerMessage } from './talk.ts';

export interface OffThreadMemberOptions extends TravellingOptions {
  /** Makes a worker whose script calls `serveTabMember`; called again if it dies. */
  readonly worker: () => Worker;
  /** For its `openNetwork`: what can be copied to it. */
  readonly words?: unknown;
}

/** `onEvent` and what comes in over other ways are the worker's own. */
export type OffThreadMember = Omit<TabMember, 'accept'>;

/** So many deaths of its worker within a minute, and it stops. */
const maxDeaths = 5;
const deathsMilliseconds = 60_000;
/** Before a worker whose script did not load is tried again; twice as long each time. */
const reloadMilliseconds = 1_000;
/** A worker that does not close its member in this time is ended as it is: nothing that was acknowledged is lost by that. */
const closeMilliseconds = 20_000;

/**
 * Opens a member in a worker; resolves when it can be talked to.
 *
 * @throws RaftkvError what `openTabMember` throws, and `unsupported` where the worker does not start
 * @example
 * ```ts
 * const member = await openTabMember({
 *   name: 'ada', storage: 'strict', cluster: { founders: [{ name: 'ada' }, { name: 'bob' }, { name: 'eve' }] },
 *   worker: () => new Worker(new URL('./member-worker.ts', import.meta.url), { type: 'module' }),
 * });
 * ```
 */
export async function openTabMember(options: OffThreadMemberOptions): Promise<OffThreadMember> {
  const member = new MemberInWorker(options);
  await member.opened;
  return member;
}

class MemberInWorker implements OffThreadMember {
  readonly opened: Promise<void>;
  address = '';
  readonly #options: OffThreadMemberOptions;
  readonly #page = presentTabPage();
  readonly #stopListening = new AbortController();
  readonly #listeners = new Set<() => void>();
  #settle!: { resolve(): void; reject(error: RaftkvError): void };
  #worker: Worker | undefined;
  #dialler: RemoteDialler | undefined;
  #loan: Loan | undefined;
  #death: HolderLock | undefined;
  #reload: ReturnType<typeof setTimeout> | undefined;
  #deaths: number[] = [];
  #status: TabMemberStatus | undefined;
  /** Of lives before the present worker's. */
  #restarts = 0;
  #closing: Promise<void> | undefined;
  #tellClosed: (error: ToldError | undefined) => void = () => {};

  constructor(options: OffThreadMemberOptions) {
    // Nothing is kept in a worker from which it could know its browser again.
    this.#options = { ...options, domain: options.domain ?? profileDomain() };
    this.opened = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#listen();
    this.#start();
  }

  status(): TabMemberStatus {
    return this.#status!;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly dial: TabMember['dial'] = (endpoint, options) =>
    this.#dialler?.dial(endpoint, options) ??
    Promise.reject(new RaftkvError('connect_failed', 'the worker of this member has ended'));

  close({ handOver = false }: { readonly handOver?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(handOver);
    return this.#closing;
  }

  async #close(handOver: boolean): Promise<void> {
    const error = await new Promise<ToldError | undefined>((resolve) => {
      this.#tellClosed = resolve;
      if (this.#worker === undefined) return resolve(undefined);
      this.#post({ type: 'close', handOver });
      setTimeout(resolve, closeMilliseconds);
    });
    this.#end();
    if (error !== undefined) throw toError(error);
  }

  #start(): void {
    const { worker: makeWorker, words, steal = false, ...given } = this.#options;
    // The first time only: who was robbed since must not rob again.
    const options = { ...given, steal: steal && this.#status === undefined };
    try {
      const worker = makeWorker();
      this.#worker = worker;
      let hasSpoken = false;
      worker.addEventListener('message', ({ data }) => {
        hasSpoken = true;
        if (this.#worker === worker) this.#hear(data as WorkerMessage);
      });
      worker.addEventListener('error', ({ message }) => {
        if (this.#worker === worker && !hasSpoken) this.#didNotLoad(message || 'its script did not load');
      });
    } catch (error) {
      return this.#refuse(new RaftkvError('unsupported', `no worker: ${String(error)}`, { cause: error }));
    }
    const [dials, connections] = [new MessageChannel(), new MessageChannel()];
    this.#dialler = dialThrough(dials.port1);
    this.#loan = lendPeerConnections(connections.port1);
    const lifeLock = `raftkv member ${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    const { locks, isMobile, document } = this.#page;
    if (locks !== undefined) {
      const nothing = (): void => undefined;
      const onHeld = (): void => this.#died();
      this.#death = new HolderLock({ name: lifeLock, locks, onHeld, onLost: nothing, onRefused: nothing });
    }
    const visibility = document.visibilityState;
    const ports = { dials: dials.port2, connections: connections.port2 };
    this.#post({ type: 'open', options, words, visibility, isMobile, ...ports, lifeLock }, Object.values(ports));
  }

  #hear(message: WorkerMessage): void {
    switch (message.type) {
      case 'alive':
        return this.#death?.queue();
      case 'opened':
        this.address = message.address;
        return this.#settle.resolve();
      case 'refused':
        return this.#refuse(toError(message.error));
      case 'status': {
        const { status } = message;
        const restarts = this.#restarts + status.restarts;
        return this.#change({ ...status, restarts, error: status.error && toError(status.error) });
      }
      case 'closed':
        return this.#tellClosed(message.error);
    }
  }

  /** One that ran before may find its script again: the page may be offline. */
  #didNotLoad(why: string): void {
    const error = new RaftkvError('unsupported', `the worker did not start: ${why}`);
    if (this.#status === undefined) return this.#refuse(error);
    this.#stopWorker();
    if (this.#countDeath() >= maxDeaths || this.#closing !== undefined) return this.#refuse(error);
    this.#reload = setTimeout(() => this.#start(), reloadMilliseconds * 2 ** (this.#deaths.length - 1));
  }

  /** Answers how many there were of late. */
  #countDeath(): number {
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < deathsMilliseconds), now];
    return this.#deaths.length;
  }

  /** As a member whose process was killed: nothing was said, and what was durable is there. */
  #died(): void {
    const deaths = this.#countDeath();
    const status = this.#status;
    this.#stopWorker();
    if (status === undefined) return this.#refuse(new RaftkvError('connection_lost', 'the worker ended'));
    // It had come to its end before its worker did.
    if (status.phase === 'stopped' || this.#closing !== undefined) return this.#tellClosed(undefined);
    // One that is kept nowhere is gone with its thread.
    if (status.storage === 'memory' || deaths >= maxDeaths) {
      return this.#refuse(new RaftkvError('connection_lost', 'the worker of this member has ended'));
    }
    this.#restarts = status.restarts + 1;
    this.#change({ ...status, phase: 'restarting', isLeader: false, leader: undefined, restarts: this.#restarts });
    this.#start();
  }

  /** There is no member, or no more. */
  #refuse(error: RaftkvError): void {
    this.#end();
    this.#settle.reject(error);
    this.#tellClosed(undefined);
    const status = this.#status;
    if (status === undefined) return;
    this.#change({ ...status, phase: 'stopped', isLeader: false, leader: undefined, isKeptAwake: false, error });
  }

  #change(status: TabMemberStatus): void {
    this.#status = status;
    for (const listener of this.#listeners) listener();
  }

  #listen(): void {
    passOnPage(this.#page, (message) => this.#post(message), this.#stopListening.signal);
  }

  #end(): void {
    this.#stopListening.abort();
    this.#stopWorker();
  }

  #stopWorker(): void {
    clearTimeout(this.#reload);
    this.#death?.leave();
    this.#death = undefined;
    this.#dialler?.lose();
    this.#dialler = undefined;
    this.#loan?.close();
    this.#loan = undefined;
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #post(message: PageMessage, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }
}

function toError({ code, message, definite }: ToldError): RaftkvError {
  return new RaftkvError(code, message, { definite });
}
