// Lives of tabs over one disk and one real member: each opens a replica with an outbox, and can be ended at any of its steps, which are what it does to the
// disk and the frames that it sends and hears. What a life that was ended so asked for after that step never takes effect.
import { MemoryOutbox } from '@raftkv/storage';
import type { OutboxStorage } from '@raftkv/storage';
import type { Dial, LiveKv, Write } from '@raftkv/client';
import { RaftkvError, decodeServerFrame } from '@raftkv/wire';
import { onTestFinished } from 'vitest';
import { openReplica } from '../../src/index.ts';
import type { KeepWrites } from '../../src/index.ts';
import { keepWrites } from '../../src/outbox/index.ts';
import type { KeeperOptions, LaneEars, LaneLocks } from '../../src/outbox/index.ts';
import type { SmallCluster } from '../small-cluster.ts';
import { until } from '../small-cluster.ts';

const never = new Promise<never>(() => {});
const diskTurns = 5;

/** The disk and the locks of one origin. */
export class Origin {
  /** Of each step of the disk, the life that makes it is asked first. */
  #present: Life | undefined;
  readonly disk = new MemoryOutbox('strict', (moment, what) => this.#present!.diskStep(`${moment} ${what}`));
  readonly locks = new LockTable();
  failure: RaftkvError | undefined;

  /** What `life` asks of the disk, it asks as itself. */
  storageOf(life: Life): OutboxStorage {
    const as = async <T>(work: () => Promise<T>): Promise<T> => {
      if (life.isOver) return never;
      if (this.failure !== undefined) throw this.failure;
      this.#present = life;
      const working = work();
      return working;
    };
    return {
      mode: 'strict',
      lanes: () => as(() => this.disk.lanes()),
      take: (name) =>
        as(async () => {
          const lane = await this.disk.take(name);
          return {
            found: lane.found,
            commit: (changes) => as(() => lane.commit(changes)),
            drop: () => as(() => lane.drop()),
          };
        }),
      close: () => {},
    };
  }
}

/** Locks as a browser has them, for lanes, and the words of tabs about them. */
class LockTable {
  readonly #holders = new Map<string, { readonly life: Life; readonly onLost: (() => void) | undefined }>();
  readonly #queues = new Map<string, (() => void)[]>();
  readonly #ears = new Map<Life, LaneEars>();
  /** How often a lane was taken from a tab that had it. */
  robberies = 0;
  /** How often the tab that has a lane was asked whether it runs. */
  questions = 0;

  /** Requests that wait, of tabs that live or do not. */
  get queued(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  }

  /** Lanes that some tab has. */
  get held(): readonly string[] {
    return [...this.#holders.keys()];
  }

  of(life: Life): LaneLocks {
    return {
      former: undefined,
      take: (lane, { ifFree = false, isRobbery = false, signal, onLost }) =>
        new Promise((resolve, reject) => {
          // What a dead tab had planned does not happen.
          if (life.isOver) return;
          const hold = (): void => {
            // The requests of a dead tab go with it.
            if (life.isOver) return this.#queues.get(lane)?.shift()?.();
            const holder = { life, onLost };
            this.#holders.set(lane, holder);
            const release = (): void => {
              if (this.#holders.get(lane) !== holder) return;
              this.#holders.delete(lane);
              this.#queues.get(lane)?.shift()?.();
            };
            life.held.add(release);
            if (onLost !== undefined) this.#tell(life, (ears) => ears.onAlive(lane));
            resolve(release);
          };
          const robbed = this.#holders.get(lane);
          if (robbed === undefined) return hold();
          if (isRobbery) {
            this.robberies += 1;
            hold();
            return robbed.life.hear(() => robbed.onLost?.());
          }
          if (ifFree) return resolve(undefined);
          const queue = this.#queues.get(lane) ?? [];
          this.#queues.set(lane, queue);
          queue.push(hold);
          signal?.addEventListener('abort', () => {
            if (queue.includes(hold)) queue.splice(queue.indexOf(hold), 1);
            reject(new RaftkvError('cancelled', 'given up'));
          });
        }),
      announce: (lane) => this.#tell(life, (ears) => ears.onLane(lane)),
      ask: (lane) => {
        this.questions += 1;
        const holder = this.#holders.get(lane)?.life;
        holder?.hear(() => this.#tell(holder, (ears) => ears.onAlive(lane)));
      },
      listen: (ears) => void this.#ears.set(life, ears),
      close: () => void this.#ears.delete(life),
    };
  }

  #tell(from: Life, tell: (ears: LaneEars) => void): void {
    if (from.isOver) return;
    for (const [other, ears] of this.#ears) if (other !== from) other.hear(() => tell(ears));
  }
}

function senderWith<Sender extends Parameters<KeepWrites>[0]['sender']>(
  sender: Sender,
  prefetch: () => Promise<unknown>,
): Parameters<KeepWrites>[0]['sender'] {
  return { ask: sender.ask.bind(sender), prefetch };
}

export class Life {
  kv!: LiveKv;
  /** What it did so far: steps of the disk, frames. */
  readonly steps: string[] = [];
  readonly held = new Set<() => void>();
  isOver = false;
  /** Its script does not run: what it would hear waits. */
  #isFrozen = false;
  #unheard: (() => void)[] = [];
  /** What is said to it is lost. */
  isDeaf = false;
  /** Of what is said to it, answers to writes are lost. */
  isHalfDeaf = false;
  #stepsLeft: number;
  #closers: (() => void)[] = [];
  #resolveOver!: () => void;
  readonly over = new Promise<void>((resolve) => (this.#resolveOver = resolve));

  private constructor(stepsLeft: number) {
    this.#stepsLeft = stepsLeft;
  }

  /** `stepsLeft`: before the step after these it ends. */
  static async begin(
    cluster: SmallCluster,
    origin: Origin,
    options: Partial<KeeperOptions> & {
      readonly stepsLeft?: number;
      readonly isOffline?: boolean;
      /** The cluster that it knows to be of before anybody answers. */
      readonly clusterId?: string;
      /** How the code with which answers are read comes. */
      readonly prefetch?: () => Promise<unknown>;
    } = {},
  ): Promise<Life> {
    const { stepsLeft = Infinity, isOffline = false, clusterId, prefetch, ...keeperOptions } = options;
    const keep: KeepWrites = (host) =>
      keepWrites({
        open: async () => origin.storageOf(life),
        fallback: new MemoryOutbox(),
        locks: origin.locks.of(life),
        clock: { schedule, wallTime: () => Date.now() },
        ...keeperOptions,
      })({ ...host, sender: prefetch ? senderWith(host.sender, prefetch) : host.sender, cluster: () => clusterId });
    const life = new Life(stepsLeft);
    let isCut = isOffline;
    const dial: Dial = async (endpoint, how) => {
      if (life.isOver) return never;
      if (isCut) throw new RaftkvError('connect_failed', 'cut off');
      const channel = await cluster.dial(endpoint, how);
      life.#closers.push(() => channel.close());
      const send = channel.send.bind(channel);
      channel.send = (frame) => (life.stepNow('send') ? send(frame) : false);
      const start = channel.start.bind(channel);
      channel.start = ({ onFrame, ...handlers }) =>
        start({
          ...handlers,
          onFrame: (frame) => void (!life.isDeafTo(frame) && life.stepNow('hear') && onFrame(frame)),
        });
      return channel;
    };
    const opening = openReplica({
      endpoints: cluster.endpoints,
      dial,
      retryDelayMilliseconds: 5,
      outbox: keep,
    });
    void opening.then((kv) => {
      onTestFinished(() => (life.isOver ? undefined : kv.close()));
    });
    const kv = await Promise.race([opening, life.over]);
    if (kv !== undefined) life.kv = kv;
    life.cutOff = (is) => {
      isCut = is;
      if (is) for (const close of life.#closers.splice(0)) close();
    };
    return life;
  }

  /** Nobody can be reached, or all can again. */
  cutOff: (is: boolean) => void = () => {};

  isDeafTo(frame: Uint8Array): boolean {
    if (this.isDeaf || !this.isHalfDeaf) return this.isDeaf;
    return decodeServerFrame(frame).some(
      (message) => message.type === 'result' && ['batch', 'txn'].includes(message.result.type),
    );
  }

  /** A disk is slow: the network would be faster. Whoever is over waits for ever. */
  async diskStep(what: string): Promise<void> {
    for (let turn = 0; turn < diskTurns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (!this.stepNow(what)) await never;
  }

  stepNow(what: string): boolean {
    if (this.isOver) return false;
    if (this.#stepsLeft === 0) {
      this.end();
      return false;
    }
    this.#stepsLeft -= 1;
    this.steps.push(what);
    return true;
  }

  /** As an event of the browser: in a turn of its own, when it runs. */
  hear(event: () => void): void {
    setImmediate(() => {
      if (this.isOver) return;
      if (this.#isFrozen) this.#unheard.push(event);
      else event();
    });
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  wake(): void {
    this.#isFrozen = false;
    for (const event of this.#unheard.splice(0)) event();
  }

  /** As when its process is killed: what it held is free. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const close of this.#closers.splice(0)) close();
    queueMicrotask(() => {
      for (const release of this.held) release();
    });
    this.#resolveOver();
  }

  /** Everything that is kept is settled. */
  async drained(): Promise<void> {
    await until(this.kv.outbox!.status, ({ waiting }) => waiting === 0);
  }
}

export function stateOf(write: Write<unknown>): string {
  const { status, kept = false } = write.state.getSnapshot();
  return kept ? `${status}, kept` : status;
}

/** A hundred times as fast as the world. */
export const hasty = {
  wallTime: () => Date.now(),
  schedule: (callback: () => void, milliseconds: number) => schedule(callback, milliseconds / 100),
};

function schedule(callback: () => void, milliseconds: number): () => void {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
}
