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
import { decodeWrite, encodeWrite } from './command.ts';
import { Delivery } from './delivery.ts';
import { Item } from './item.ts';
import type { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import { defaultMaxBytes, defaultMaxWrites } from './options.ts';
import type { KeeperOptions } from './options.ts';

export class Keeper<Value, K extends UserKey> implements WriteKeeper<Value, K> {
  readonly #host: OutboxHost<Value, K>;
  readonly #options: KeeperOptions;
  readonly #lanes: Lanes;
  readonly #delivery: Delivery<Value, K>;
  readonly #status: LiveValue<OutboxStatus>;
  readonly #items = new Map<Write<unknown>, Item>();
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
      onIdle: () => void this.#delivery.closeSession(),
      isEmpty: (lane) => lane.count === 0 && this.#entering === 0,
    });
    this.#delivery = new Delivery(host, this.#end.signal, {
      onSettled: (item) => this.#settled(item),
      onFailed: () => {
        this.#undecided += 1;
        this.#tell();
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
    if (timeoutMilliseconds !== undefined || this.#end.signal.aborted) return undefined;
    const command = encodeWrite(look.codec, ops, conditions, limits);
    const replaced = this.#replaced;
    if (replaced === undefined) this.#expectRoom(command.length);
    const clusterId = kv.replica.getSnapshot().clusterId ?? '';
    const draft = { keptAt: this.#options.clock.wallTime(), clusterId, isShown: optimistic !== false, command };
    const item = new Item(draft, teller);
    order(teller, conditions);
    const keepIn = (lane: Lane): Promise<void> => {
      item.enter(lane, lane.nextNumber());
      return lane.keep(item.record, replaced?.record.number);
    };
    item.kept = replaced === undefined ? this.#keepInOwn(keepIn) : keepIn(replaced.lane);
    this.#enter(item);
    item.kept.then(
      () => {
        if (this.#lanes.mode === 'strict') teller.tell({ kept: true });
      },
      (error: unknown) => this.#notKept(item, RaftkvError.from(error, 'storage_failed')),
    );
    return () => this.#delivery.carryOut(item);
  }

  retry(write: Write<unknown>, options: MutateOptions = {}): Write<unknown> {
    const item = this.#items.get(write);
    if (item?.failure === undefined) throw notHere();
    const { queue, look } = this.#host;
    const { ops } = decodeWrite(look.codec, item.record.command);
    this.#replaced = item;
    try {
      const { timeoutMilliseconds: _none, ...rest } = options as MutateOptions<Value>;
      const again = queue.mutate(ops, rest);
      queue.forget(write);
      this.#leave(item);
      return again;
    } finally {
      this.#replaced = undefined;
    }
  }

  async discard(write: Write<unknown>): Promise<void> {
    const item = this.#items.get(write);
    if (item === undefined || item.isSent) throw notHere();
    item.isDiscarded = true;
    if (item.failure === undefined) {
      item.teller.fail(new RaftkvError('cancelled', 'the write was discarded before it was sent'));
    }
    await item.kept;
    await item.lane.forget(item.record.number);
    this.#host.queue.forget(write);
    this.#leave(item);
  }

  async close(): Promise<void> {
    // Nobody will ask under it again.
    if (this.#items.size === 0) await this.#delivery.closeSession();
    this.#end.abort();
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

  #enter(item: Item): void {
    this.#items.set(item.teller.write, item);
    this.#bytes += item.bytes;
    this.#tell();
  }

  async #keepInOwn(keepIn: (lane: Lane) => Promise<void>): Promise<void> {
    this.#entering += 1;
    const lane = await this.#lanes.own().finally(() => (this.#entering -= 1));
    return keepIn(lane);
  }

  /** It is off the disk. */
  #leave(item: Item): void {
    if (!this.#items.delete(item.teller.write)) return;
    this.#bytes -= item.bytes;
    if (item.failure !== undefined) this.#undecided -= 1;
    this.#tell();
    const lane = item.lane as Lane | undefined;
    if (lane === undefined) return;
    lane.count -= 1;
    if (lane.count === 0) this.#lanes.emptied(lane);
  }

  #settled(item: Item): void {
    this.#leave(item);
    const { mark } = item;
    // A session of an earlier life has no other use.
    if (mark === undefined || !item.isOld) return;
    const isLast = [...this.#items.values()].every((other) => other.mark?.clientId !== mark.clientId);
    if (isLast) void this.#delivery.closeSession(mark.clientId);
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
    try {
      const { ops, conditions, isReadable } = decodeWrite(look.codec, found.command);
      const { mark } = found;
      const isShown = found.isShown && isReadable && mark?.failure === undefined;
      queue.mutate(ops, { optimistic: isShown }, (_ops, _options, teller) => {
        const item = new Item(found, teller);
        order(teller, conditions);
        item.enter(lane, found.number);
        item.isOld = mark !== undefined && mark.clientId !== 0;
        item.mark = item.isOld ? mark : undefined;
        this.#enter(item);
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
