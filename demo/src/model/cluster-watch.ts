// Looks at the cluster about once a second while the page is visible, and says what it saw: the members' own words, the state of their processes
// on a local cluster, and what travelled between them. It uses a client of its own, so it goes on while the tab's replica is offline.
import type { EndpointStatus, Kv } from 'raftkv';
import type { DatasetState, DevApi, DevState } from '../dev-api.ts';
import { unknownCluster, viewCluster } from './cluster-view.ts';
import type { ClusterView } from './cluster-view.ts';
import { eventsBetween } from './events.ts';
import type { ClusterEvent } from './events.ts';
import { Observable } from './observable.ts';
import { flowsBetween, readSentCounts } from './traffic.ts';
import type { Flow, SentCounts } from './traffic.ts';

export interface TimedEvent extends ClusterEvent {
  readonly id: number;
  readonly at: Date;
}

const intervalMilliseconds = 1_000;
/** A member that is paused takes connections and says nothing. */
const patienceMilliseconds = 900;
const keptEvents = 40;

export interface ClusterWatchOptions {
  readonly operator: Kv;
  readonly dev: DevApi | undefined;
  readonly endpoints: readonly string[];
}

export class ClusterWatch {
  readonly view = new Observable<ClusterView>(unknownCluster);
  readonly events = new Observable<readonly TimedEvent[]>([]);
  readonly dataset = new Observable<DatasetState | undefined>(undefined);
  /** Why the control does not answer, if it does not. */
  readonly controlError = new Observable<string | undefined>(undefined);
  readonly #options: ClusterWatchOptions;
  #counts: { readonly at: number; readonly sent: ReadonlyMap<string, SentCounts> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastEvent = 0;
  #isLooking = false;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  start(): void {
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.lookSoon();
    });
    this.lookSoon();
  }

  /** After something was done to the cluster. */
  lookSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), 0);
  }

  note(event: ClusterEvent): void {
    const timed = { ...event, id: ++this.#lastEvent, at: new Date() };
    this.events.set([timed, ...this.events.getSnapshot()].slice(0, keptEvents));
  }

  async #look(): Promise<void> {
    if (this.#isLooking || document.visibilityState === 'hidden') return;
    this.#isLooking = true;
    try {
      const dev = await this.#askControl();
      const answers = await this.#askMembers(dev);
      const flows = await this.#askCounters(answers);
      const before = this.view.getSnapshot();
      const after = viewCluster(answers, dev, flows);
      for (const event of eventsBetween(before, after)) this.note(event);
      this.view.set(after);
      if (dev !== undefined) this.dataset.set(dev.dataset);
    } finally {
      this.#isLooking = false;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), intervalMilliseconds);
    }
  }

  async #askControl(): Promise<DevState | undefined> {
    try {
      const state = await this.#options.dev?.state();
      this.controlError.set(undefined);
      return state;
    } catch (error) {
      this.controlError.set((error as Error).message);
      return undefined;
    }
  }

  async #askMembers(dev: DevState | undefined): Promise<readonly EndpointStatus[]> {
    const { operator } = this.#options;
    // Elsewhere only the member that gave out this page lets it ask; what it says of the others must do.
    if (dev === undefined) return operator.statusOfAll({ timeoutMilliseconds: patienceMilliseconds });
    // One whose process is not there need not be called.
    const running = dev.members.filter(({ process }) => process === 'running' || process === 'stopping');
    return Promise.all(
      running.map(({ address }) =>
        operator.status({ endpoint: address, timeoutMilliseconds: patienceMilliseconds }).then(
          (status): EndpointStatus => ({ endpoint: address, status, error: undefined }),
          (error: Error): EndpointStatus => ({ endpoint: address, status: undefined, error }),
        ),
      ),
    );
  }

  /** Only of members that answer, and only on a local cluster: elsewhere a page may not read other members' counters. */
  async #askCounters(answers: readonly EndpointStatus[]): Promise<readonly Flow[]> {
    if (this.#options.dev === undefined) return [];
    const sent = new Map<string, SentCounts>();
    await Promise.all(
      answers.map(async ({ endpoint, status }) => {
        if (status === undefined) return;
        try {
          const signal = AbortSignal.timeout(patienceMilliseconds);
          const response = await fetch(`http://${endpoint}/metrics`, { cache: 'no-store', signal });
          if (response.ok) sent.set(status.name, readSentCounts(await response.text()));
        } catch {
          // It went away since it answered.
        }
      }),
    );
    const at = performance.now();
    const before = this.#counts;
    this.#counts = { at, sent };
    return before === undefined ? [] : flowsBetween(before.sent, sent, (at - before.at) / 1000);
  }
}
