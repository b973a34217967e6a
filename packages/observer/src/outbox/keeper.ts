// Keeps the writes of a tab until they are settled. A write is on the disk before it is sent, and so is the stamp under which it is sent: whoever finds it
// after a crash sends it under the same one, and the store answers what it answered the first time. What ended badly stays until the app has decided.
import { RaftkvError, isErrorCode, keyFrom } from '@raftkv/wire';
import type {
  BatchOp,
  BatchResult,
  Condition,
  Live,
  MutateOptions,
  OutboxStatus,
  UserKey,
  Write,
} from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import type { WriteTeller } from '@raftkv/client/live';
import type { FoundWrite, OutboxStorage } from '@raftkv/storage';
import type { OutboxHost, WriteKeeper } from '../keep-writes.ts';
import { decodeWrite, encodeWrite, reachOf } from './command.ts';
import { Delivery } from './delivery.ts';
import { Item } from './item.ts';
import type { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import { defaultMaxAgeMilliseconds, defaultMaxBytes, defaultMaxWrites } from './options.ts';
import type { KeeperOptions } from './options.ts';
import { Precedence } from './precedence.ts';
import type { Place } from './precedence.ts';

/** Before code that could not be loaded is asked for again. */
const pauseMilliseconds = 1_000;

export class Keeper<Value, K extends UserKey> implements WriteKeeper<Value, K> {
  readonly #host: OutboxHost<Value, K>;
  readonly #options: KeeperOptions;
  readonly #lanes: Lanes;
  readonly #delivery: Delivery<Value, K>;
  readonly #status: LiveValue<OutboxStatus>;
  readonly #items = new Map<Write<unknown>, Item>();
  readonly #precedence = new Precedence();
  /** When the last one was made that this tab knows of: no clock that is put back puts a later one before it. */
  #lastAt = 0;
  readonly #end = new AbortController();
  #bytes = 0;
  #undecided = 0;
  /** Between their making and their place in a lane. */
  #entering = 0;
  /** Why nothing can be kept, or what is there cannot be read. */
  #lastingError: RaftkvError | undefined;
  #passingError: RaftkvError | undefined;
  /** The next write takes its place. */
  #replaced: Item | undefined;
  #isTelling = false;

  /** `error`: why `storage` is only the memory of this page. */
  constructor(
    host: OutboxHost<Value, K>,
    options: KeeperOptions,
    storage: OutboxStorage,
    error: RaftkvError | undefined,
  ) {
    this.#host = host;
    this.#options = options;
    this.#lastingError = error;
    this.#status = new LiveValue<OutboxStatus>({ storage: storage.mode, error, waiting: 0, undecided: 0, bytes: 0 });
    this.#lanes = new Lanes(options, storage, {
      onFound: (lane, found) => this.#restore(lane, found),
      onUnreadable: (trouble) => this.#unreadable(trouble),
      onTrouble: (trouble) => this.#trouble(trouble),
      onGone: (lane, trouble) => this.#gone(lane, trouble),
      onLost: (lane, trouble) => this.#lost(lane, trouble),
      onIdle: () => this.#idle(),
      isEmpty: (lane) => lane.count === 0 && this.#entering === 0,
    });
    this.#delivery = new Delivery(host, this.#end.signal, {
      reunited: () => this.#lanes.reunited,
      before: (item) => this.#precedence.before(item),
      onStamped: (item) => this.#precedence.sent(item),
      ageOf: ({ record }) => options.clock.wallTime() - record.keptAt,
      maxAgeMilliseconds: options.maxAgeMilliseconds ?? defaultMaxAgeMilliseconds,
      pause: () => new Promise((resolve) => void options.clock.schedule(resolve, pauseMilliseconds)),
      onSettled: (item) => this.#leave(item),
      onFailed: (item) => {
        this.#undecided += 1;
        this.#tell();
        // It is shown by the tab that has the lane, too.
        if (item.lane.isLost) this.#leave(item);
      },
    });
  }

  get waiting(): number {
    return this.#lanes.mode === 'memory' ? 0 : this.#items.size - this.#undecided;
  }
  get status(): Live<OutboxStatus> {
    return this.#status;
  }

  /** What tabs that are gone have left is part of the replica when it resolves. Never rejects. */
  async open(): Promise<void> {
    try {
      await this.#lanes.open();
    } catch (error) {
      this.#unreadable(RaftkvError.from(error, 'storage_failed'));
    }
  }

  prepare(
    ops: readonly BatchOp<Value>[],
    { if: conditions, timeoutMilliseconds, optimistic }: MutateOptions<Value>,
    teller: WriteTeller,
  ): (() => Promise<BatchResult<Value, K>>) | undefined {
    const { look, limits, kv } = this.#host;
    if (timeoutMilliseconds !== undefined || this.#end.signal.aborted) {
      // What let others pass holds up this one all the same.
      if (this.#precedence.hasLate) teller.keys.push('');
      return undefined;
    }
    const command = encodeWrite(look.codec, ops, conditions, limits);
    const replaced = this.#replaced;
    if (replaced === undefined) this.#expectRoom(command.length);
    const clusterId = kv.replica.getSnapshot().clusterId ?? this.#host.cluster?.() ?? '';
    this.#lastAt = Math.max(this.#lastAt, this.#options.clock.wallTime());
    const draft = { keptAt: this.#lastAt, clusterId, isShown: optimistic !== false, command };
    const item = new Item(draft, reachOf({ ops, conditions }), teller);
    order(teller, conditions);
    const keepIn = (lane: Lane): Promise<void> => {
      item.enter(lane, lane.nextNumber());
      return lane.keep(item.record, replaced?.record.number);
    };
    item.kept = replaced === undefined ? this.#keepInOwn(keepIn) : keepIn(replaced.lane);
    this.#enter(item);
    if (replaced !== undefined) replaced.isBeingReplaced = true;
    item.kept.then(
      () => {
        item.isKept = true;
        if (this.#lanes.mode === 'strict') teller.tell({ kept: true });
        if (replaced !== undefined) this.#forget(replaced);
      },
      (error: unknown) => {
        // It is there still, to be decided about.
        if (replaced !== undefined) replaced.isBeingReplaced = false;
        this.#notKept(item, RaftkvError.from(error, 'storage_failed'));
      },
    );
    return () => this.#delivery.carryOut(item);
  }

  retry(write: Write<unknown>, options: MutateOptions = {}): Write<unknown> {
    const item = this.#items.get(write);
    if (item?.failure === undefined || item.isBeingReplaced) throw notHere();
    const { queue, look } = this.#host;
    const { ops } = decodeWrite(look.codec, item.record.command);
    this.#replaced = item;
    try {
      const { timeoutMilliseconds: _none, ...rest } = options as MutateOptions<Value>;
      return queue.mutate(ops, rest);
    } finally {
      this.#replaced = undefined;
    }
  }

  async discard(write: Write<unknown>): Promise<void> {
    const item = this.#items.get(write);
    if (item === undefined || item.isSent || item.isBeingReplaced) throw notHere();
    item.isDiscarded = true;
    if (item.failure === undefined) {
      item.teller.fail(new RaftkvError('cancelled', 'the write was discarded before it was sent'));
    }
    await item.kept;
    await item.lane.forget(item.record.number);
    this.#forget(item);
  }

  async close(): Promise<void> {
    // Nobody will ask under it again.
    if (this.#items.size === 0) await this.#delivery.closeSession();
    this.#end.abort();
    // What was written a moment ago is kept, or refused.
    await Promise.allSettled([...this.#items.values()].map(({ kept }) => kept));
    await this.#lanes.close();
  }

  #expectRoom(bytes: number): void {
    const { maxWrites = defaultMaxWrites, maxBytes = defaultMaxBytes } = this.#options;
    const { size } = this.#items;
    if (size < maxWrites && this.#bytes + bytes <= maxBytes) return;
    throw new RaftkvError(
      'busy',
      `${size} writes of ${this.#bytes} bytes are kept, ${this.#undecided} of them undecided`,
    );
  }

  #enter(item: Item, place?: Place): void {
    this.#items.set(item.teller.write, item);
    this.#precedence.enter(item, place);
    this.#bytes += item.bytes;
    this.#tell();
  }

  async #keepInOwn(keepIn: (lane: Lane) => Promise<void>): Promise<void> {
    this.#entering += 1;
    let kept: Promise<void>;
    let lane: Lane;
    try {
      lane = await this.#lanes.own();
      kept = keepIn(lane);
    } finally {
      this.#entering -= 1;
    }
    // Where the lane is another's by now it did not come to be in there, and nobody else has it.
    return kept.catch((error: unknown) => (lane.isLost ? this.#keepInOwn(keepIn) : Promise.reject(error)));
  }

  /** It is off the disk, and not to be seen any more. */
  #forget(item: Item): void {
    this.#host.queue.forget(item.teller.write);
    this.#leave(item);
  }

  /** It is off the disk. */
  #leave(item: Item): void {
    if (!this.#items.delete(item.teller.write)) return;
    this.#precedence.leave(item);
    this.#bytes -= item.bytes;
    if (item.failure !== undefined) this.#undecided -= 1;
    this.#tell();
    const lane = item.lane as Lane | undefined;
    if (lane === undefined) return;
    lane.count -= 1;
    if (lane.count === 0) this.#lanes.emptied(lane);
  }

  /** Its own lane is empty. Others that it has may not be. */
  #idle(): void {
    const { clientId } = this.#delivery;
    const isUsed = [...this.#items.values()].some(({ mark }) => mark?.clientId === clientId);
    if (!isUsed) void this.#delivery.closeSession();
  }

  /** It does not fit, or nobody knows whether it is on the disk. */
  #notKept(item: Item, error: RaftkvError): void {
    const { code, message } = error;
    const definite = code !== 'storage_failed';
    item.teller.fail(new RaftkvError(code, message, { definite, cause: error }));
    this.#leave(item);
    if (code === 'storage_full') return this.#trouble(error);
    this.#lanes.useMemory();
    this.#unreadable(error);
  }

  /** What a tab that is gone left, as writes of this one. */
  #restore(lane: Lane, found: FoundWrite): void {
    const { queue, look } = this.#host;
    this.#lastAt = Math.max(this.#lastAt, found.keptAt);
    try {
      const write = decodeWrite(look.codec, found.command);
      const { ops, conditions } = write;
      const { mark } = found;
      const isOpen = mark?.failure === undefined;
      const reach = reachOf(write);
      const place = isOpen ? this.#precedence.placeOf({ reach, at: found.keptAt }) : 'in line';
      const isShown = found.isShown && write.isReadable && isOpen && place === 'in line';
      queue.mutate(ops, { optimistic: isShown }, (_ops, _options, teller) => {
        const item = new Item(found, reach, teller);
        order(teller, conditions);
        // Those that wait already wait for it.
        if (place === 'late') teller.keys.length = 0;
        item.isOvertaken = place === 'overtaken';
        item.isKept = true;
        item.enter(lane, found.number);
        item.isOld = mark !== undefined && mark.clientId !== 0;
        item.mark = item.isOld ? mark : undefined;
        this.#enter(item, place);
        queueMicrotask(() => {
          teller.tell({ kept: true });
          if (mark?.failure === undefined) return;
          const { code, message, isDefinite } = mark.failure;
          const error = new RaftkvError(isErrorCode(code) ? code : 'internal', message, { definite: isDefinite });
          this.#delivery.failed(item, error);
        });
        return () => this.#delivery.carryOut(item);
      });
    } catch (error) {
      // Of a later version of this program, say: it stays where it is.
      this.#unreadable(RaftkvError.from(error, 'storage_corrupt'));
    }
  }

  #unreadable(error: RaftkvError): void {
    this.#lastingError = error;
    this.#tell();
  }

  #trouble(error: RaftkvError | undefined): void {
    if (error === this.#passingError) return;
    this.#passingError = error;
    this.#tell();
  }

  /** Somebody has cleared the data of this site: what was in the lane is in this page alone. */
  #gone(lane: Lane, error: RaftkvError): void {
    for (const item of this.#items.values()) if (item.lane === lane) item.teller.tell({ kept: false });
    this.#unreadable(error);
  }

  /** Another tab took this one for gone: what was kept in the lane is that one's to send, and to decide about. */
  #lost(lane: Lane, { cause }: RaftkvError): void {
    this.#delivery.abandonSession();
    const message = 'another tab took this one for gone, and sends what it had kept';
    const error = new RaftkvError('storage_locked', message, { definite: false, cause });
    this.#trouble(error);
    for (const [write, item] of [...this.#items]) {
      if ((item.lane as Lane | undefined) !== lane || !item.isKept) continue;
      item.teller.tell({ kept: false });
      // The answer to what is sent may come here too.
      if (item.isSent) continue;
      if (item.failure !== undefined) this.#host.queue.forget(write);
      else item.teller.fail(error);
      this.#leave(item);
      item.failure ??= error;
    }
  }

  /** Once for all that happens in one turn. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      const { mode } = this.#lanes;
      const undecided = this.#undecided;
      const { waiting } = this;
      const error = this.#passingError ?? this.#lastingError;
      this.#status.set({ storage: mode, error, waiting, undecided, bytes: this.#bytes });
    });
  }
}

/** Nor does it pass another write on what it depends on. */
function order<Value>(teller: WriteTeller, conditions: readonly Condition<Value>[] = []): void {
  for (const condition of conditions) teller.keys.push('key' in condition ? keyFrom(condition.key) : '');
}

function notHere(): RaftkvError {
  return new RaftkvError('not_found', 'this write is not kept here, or is on its way');
}
