// The page's side of a replica that lives in a worker: starts the worker, is fed by it as a tab is by another, tells it what happens to the page, and
// looks whether it lives. A worker that dies is replaced; where none can be had, the replica lives in the page.
import type { ReplicaStatus } from '@raftkv/client';
import { RaftkvError, isErrorCode } from '@raftkv/wire';
import { drawId } from '../assembly.ts';
import { TabFeed } from '../tab-feed.ts';
import { scopeOf } from '../tab-feeder.ts';
import { HolderLock } from './holder-lock.ts';
import type { Page } from './page.ts';
import type { AnyAssembly, Residence } from './residence.ts';
import { placeOf } from './place-of.ts';
import { workerTalkVersion } from './worker-talk.ts';
import type {
  PageMessage,
  ToldError,
  TravellingOptions,
  WorkerMessage,
  WorkerPort,
  WorkerStatus,
} from './worker-talk.ts';

export interface StartedWorker<Place> {
  readonly worker: WorkerPort;
  readonly place: Place;
  /** Goes along with the place. */
  readonly transfer: Transferable[];
  /** It was ended. */
  readonly onEnd?: () => void;
}

export interface WorkerResidenceOptions<Place> {
  readonly page: Page;
  readonly options: TravellingOptions;
  /** Throws where there are no workers. */
  readonly start: () => StartedWorker<Place>;
  /** Where the replica lives if no worker can be had. */
  readonly resideHere: () => Promise<Residence>;
}

const tickMilliseconds = 1_000;
/** A script may be long on its way; a worker of which nothing was heard until then will not come. */
const startMilliseconds = 10_000;
/**
 * That a worker has ended, its lock tells at once. One that hangs answers no more: so many ticks without an answer, and it is taken for dead. A page
 * that was busy has had its turn at each of them.
 */
const patienceTicks = 4;
/** So many deaths within a minute, and the replica lives in the page. */
const maxDeaths = 3;
const deathsMilliseconds = 60_000;
/** What a worker may take to close its storage in order. */
const closeMilliseconds = 2_000;

export class WorkerResidence<Place> implements Residence {
  readonly #assembly: AnyAssembly;
  readonly #options: WorkerResidenceOptions<Place>;
  readonly #forgetPage = new AbortController();
  #started: StartedWorker<Place> | undefined;
  #startedAt = 0;
  /** As the present worker tells it; undefined until it has. */
  #told: WorkerStatus | undefined;
  #feed: TabFeed | undefined;
  /** Waits for the end of the worker, which has the lock meanwhile. */
  #death: HolderLock | undefined;
  /** When the feed was last found to have been heard, and how many ticks ago. */
  #heardAt = 0;
  #silentTicks = 0;
  #deaths: number[] = [];
  #here: Residence | undefined;
  /** Why it is not in a worker. */
  #failure: RaftkvError | undefined;
  #isIn = false;
  #tickedAt = 0;
  #cancelTick: (() => void) | undefined;
  #settle: () => void = () => {};
  #tellClosed: () => void = () => {};
  readonly settled: Promise<void>;

  constructor(assembly: AnyAssembly, options: WorkerResidenceOptions<Place>) {
    this.#assembly = assembly;
    this.#options = options;
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    const { document } = options.page;
    const { signal } = this.#forgetPage;
    document.addEventListener('visibilitychange', () => this.#post({ type: 'visible', isVisible: this.#isVisible }), {
      signal,
    });
  }

  join(): void {
    if (this.#isIn) return;
    this.#isIn = true;
    if (this.#failure !== undefined) return this.#here?.join();
    if (this.#started === undefined) this.#start();
    else this.#post({ type: 'online', isOnline: true });
    this.#attach();
    this.#tickLater();
  }

  async leave(isForEver = false): Promise<void> {
    if (this.#isIn) {
      this.#isIn = false;
      this.#cancelTick?.();
      this.#death?.leave();
      this.#post({ type: 'online', isOnline: false });
      if (this.#failure === undefined) this.#unfollow();
      else await this.#here?.leave();
    }
    if (isForEver) await this.#close();
  }

  taken(...parameters: Parameters<NonNullable<Residence['taken']>>): void {
    this.#here?.taken?.(...parameters);
  }

  storageFailed(error: RaftkvError): void {
    this.#here?.storageFailed?.(error);
  }

  changed(): void {
    this.#here?.changed?.();
    if (this.#assembly.status.phase === 'ready') this.#settle();
  }

  /** The status with what the worker knows; or why there is none. */
  show(status: ReplicaStatus): ReplicaStatus {
    if (this.#failure !== undefined) return { ...status, thread: 'page', threadError: this.#failure };
    const told = this.#told;
    if (told === undefined) return { ...status, thread: 'worker' };
    return {
      ...status,
      ...told,
      phase: status.phase === 'syncing' && told.phase !== 'ready' ? told.phase : status.phase,
      error: status.error ?? (told.error && toError(told.error)),
      divergences: status.divergences + told.divergences,
      thread: 'worker',
    };
  }

  get #isVisible(): boolean {
    return this.#options.page.document.visibilityState === 'visible';
  }

  #start(): void {
    try {
      const started = this.#options.start();
      this.#started = started;
      this.#startedAt = this.#assembly.settings.clock.now();
      const { worker, place, transfer } = started;
      worker.addEventListener('message', ({ data }) => {
        if (this.#started === started) this.#hear(data as WorkerMessage);
      });
      // Its script did not load. What it throws later is its own affair.
      worker.addEventListener('error', ({ message = 'its script did not load' }) => {
        if (this.#started === started && this.#told === undefined)
          this.#fallBack(new RaftkvError('unsupported', `no worker: ${message}`));
      });
      const { options, page } = this.#options;
      const lifeLock = placeOf(drawId(), 'worker');
      this.#death =
        page.locks &&
        new HolderLock({
          name: lifeLock,
          locks: page.locks,
          onHeld: () => this.#died(),
          onLost: () => {},
          onRefused: () => {},
        });
      const travelling: TravellingOptions = { ...options, clusterId: this.#assembly.clusterId ?? options.clusterId };
      this.#post(
        { type: 'open', version: workerTalkVersion, options: travelling, place, isVisible: this.#isVisible, lifeLock },
        transfer,
      );
    } catch (error) {
      this.#fallBack(new RaftkvError('unsupported', `no worker: ${String(error)}`, { cause: error }));
    }
  }

  #hear(message: WorkerMessage): void {
    switch (message.type) {
      case 'status':
        this.#told = message.status;
        return this.#assembly.changed();
      case 'alive':
        if (this.#isIn) this.#death?.queue();
        return;
      case 'opened':
        // Otherwise the page has what it has when it has taken it in.
        if (message.isEmpty) this.#settle();
        return;
      case 'refused':
        return this.#fallBack(toError(message.error));
      case 'closed':
        return this.#tellClosed();
    }
  }

  async #close(): Promise<void> {
    this.#forgetPage.abort();
    if (this.#told !== undefined) {
      await new Promise<void>((resolve) => {
        const cancel = this.#assembly.settings.clock.schedule(resolve, closeMilliseconds);
        this.#tellClosed = () => {
          cancel();
          resolve();
        };
        this.#post({ type: 'close' });
      });
    }
    this.#end();
    this.#settle();
  }

  #attach(): void {
    if (this.#started === undefined) return;
    const { settings, clusterId } = this.#assembly;
    this.#silentTicks = 0;
    this.#assembly.follow((ranges, handlers) => {
      const { port1, port2 } = new MessageChannel();
      const feed = new TabFeed({
        port: port1,
        handlers,
        now: settings.clock.now,
        // Writes that wait here are meant for the cluster that was copied so far.
        clusterId: clusterId ?? settings.clusterId,
        onFailed: (error) => this.#assembly.feedFailed(error),
      });
      this.#feed = feed;
      port1.start();
      this.#post({ type: 'attach', port: port2, from: handlers.position(), scope: scopeOf(ranges) }, [port2]);
      return feed;
    });
  }

  #unfollow(): void {
    this.#assembly.unfollow();
    this.#feed = undefined;
  }

  #tickLater(): void {
    const { clock } = this.#assembly.settings;
    this.#tickedAt = clock.now();
    this.#cancelTick = clock.schedule(() => {
      this.#tick();
      if (this.#isIn && this.#failure === undefined) this.#tickLater();
    }, tickMilliseconds);
  }

  #tick(): void {
    this.#settle();
    const now = this.#assembly.settings.clock.now();
    const wasAsleep = now - this.#tickedAt > 3 * tickMilliseconds;
    if (wasAsleep) this.#startedAt += now - this.#tickedAt;
    if (this.#told === undefined) {
      if (now - this.#startedAt >= startMilliseconds)
        this.#fallBack(new RaftkvError('unsupported', 'no worker: it does not answer'));
      return;
    }
    const feed = this.#feed;
    if (feed?.isOpen !== true) return this.#attach();
    this.#silentTicks = feed.heardAt === this.#heardAt && !wasAsleep ? this.#silentTicks + 1 : 0;
    this.#heardAt = feed.heardAt;
    if (this.#silentTicks >= patienceTicks) this.#died();
    else feed.report();
  }

  #died(): void {
    const now = this.#assembly.settings.clock.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < deathsMilliseconds), now];
    if (this.#deaths.length >= maxDeaths)
      return this.#fallBack(new RaftkvError('connection_lost', 'the worker ends again and again'));
    this.#end();
    this.#start();
    this.#attach();
  }

  #end(): void {
    const started = this.#started;
    this.#started = undefined;
    this.#told = undefined;
    this.#death?.leave();
    started?.worker.terminate();
    started?.onEnd?.();
  }

  #fallBack(failure: RaftkvError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#unfollow();
    this.#end();
    this.#assembly.setTenancy('alone');
    const come = async (): Promise<void> => {
      const here = await this.#options.resideHere();
      this.#here = here;
      if (this.#isIn) here.join();
      await here.settled;
      this.#settle();
    };
    come().catch((error: unknown) => this.#assembly.feedFailed(RaftkvError.from(error)));
  }

  #post(message: PageMessage<Place>, transfer: Transferable[] = []): void {
    this.#started?.worker.postMessage(message, transfer);
  }
}

/** Another build may be at the other end: a code that is not known here. */
function toError({ code, message }: ToldError): RaftkvError {
  return new RaftkvError(isErrorCode(code) ? code : 'internal', message);
}
