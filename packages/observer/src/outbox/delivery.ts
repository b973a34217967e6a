// Brings kept writes to the store: stamps each, makes the stamp durable, sends it, and reads from the answer how it ended. What is in doubt is never sent
// again under another stamp: it is the app's to decide.
import { RaftkvError } from '@raftkv/wire';
import type { FoundEntry } from '@raftkv/wire';
import type { BatchResult, ReplicaStatus, UserKey } from '@raftkv/client';
import type { KeptWrite } from '@raftkv/storage';
import type { Answer } from '@raftkv/client/parts';
import type { OutboxHost } from '../keep-writes.ts';
import { decodeWrite, isNothing, keysOf, nothing, readResult, withFound } from './command.ts';
import type { Item } from './item.ts';
import { WriteSession } from './write-session.ts';

/** Writes that are stamped and have no answer; further ones wait, in order. */
const maxInFlight = 256;
/** Of a write of unknown outcome so many keys are looked at. */
const maxLookedAt = 20;
/** What the store says of a write itself, and says again whenever it is asked. */
const answers: readonly string[] = [
  'condition_failed',
  'invalid_argument',
  'duplicate_key',
  'compacted',
  'future_revision',
];

const dayMilliseconds = 24 * 3_600_000;

export interface DeliveryHooks {
  /** Nothing is sent before that. */
  readonly reunited: () => Promise<void>;
  /** One that is to be sent, or to have ended, before this one. */
  readonly before: (item: Item) => Item | undefined;
  /** It is about to be sent. */
  readonly onStamped: (item: Item) => void;
  /** So long ago it was made, in milliseconds; never sent when that is more than the next. */
  readonly ageOf: (item: Item) => number;
  readonly maxAgeMilliseconds: number;
  /** Before what failed for no fault of a write is tried again. */
  readonly pause: () => Promise<void>;
  /** It is committed, and off the disk. */
  readonly onSettled: (item: Item) => void;
  /** It ended badly. */
  readonly onFailed: (item: Item) => void;
}

export class Delivery<Value, K extends UserKey> {
  readonly #host: OutboxHost<Value, K>;
  readonly #signal: AbortSignal;
  readonly #hooks: DeliveryHooks;
  readonly #session: WriteSession;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(host: OutboxHost<Value, K>, signal: AbortSignal, hooks: DeliveryHooks) {
    this.#host = host;
    this.#signal = signal;
    this.#hooks = hooks;
    const { sender, limits, kv } = host;
    const isOnline = (): boolean => kv.replica.getSnapshot().connection === 'online';
    this.#session = new WriteSession({ sender, limits, signal, isOnline, pause: hooks.pause });
  }

  /** When its turn has come. Resolves once it is committed. */
  async carryOut(item: Item): Promise<BatchResult<Value, K>> {
    await item.kept;
    if (item.failure !== undefined) throw item.failure;
    await this.#enter();
    try {
      return await this.#deliver(item);
    } catch (error) {
      if (this.#signal.aborted) throw closed(item);
      throw this.failed(item, RaftkvError.from(error));
    } finally {
      this.#exit();
    }
  }

  /** It ended badly. What is there now is told as soon as somebody can be asked. Answers the error. */
  failed(item: Item, error: RaftkvError): RaftkvError {
    if (item.failure !== undefined || item.isDiscarded) return error;
    item.failure = error;
    item.teller.fail(error);
    this.#hooks.onFailed(item);
    if (error.found === undefined) this.#lookUp(item, error).catch(() => {});
    return error;
  }

  /** Of the session under which writes are sent now; 0 = there is none. */
  get clientId(): number {
    return this.#session.clientId;
  }

  closeSession(): Promise<void> {
    return this.#session.close();
  }

  /** What is sent from now on is sent in another session: this one has stamped what is another tab's by now. */
  abandonSession(): void {
    this.#session.abandon();
  }

  async #enter(): Promise<void> {
    if (this.#inFlight >= maxInFlight) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inFlight += 1;
  }

  #exit(): void {
    this.#inFlight -= 1;
    this.#waiting.shift()?.();
  }

  async #deliver(item: Item): Promise<BatchResult<Value, K>> {
    if (!item.isOld) this.#expectFresh(item);
    await this.#expectItsCluster(item);
    if (item.isOvertaken) return this.#overtaken(item);
    for (;;) {
      if (item.mark === undefined) await this.#stamp(item);
      const { mark } = item;
      try {
        const { command } = item.record;
        return this.#answered(item, await this.#session.send(command, mark!, (isSent) => this.#sent(item, isSent)));
      } catch (thrown) {
        const error = RaftkvError.from(thrown);
        if (error.code === 'session_expired') this.#session.expired(mark!.clientId);
        if (this.#signal.aborted) throw error;
        // It was never sent before, and the store has just said that it did not do it: another session may.
        if (error.code !== 'session_expired' || !error.definite || item.isOld) throw this.#decided(item, error);
        item.mark = undefined;
      }
    }
  }

  #sent({ teller }: Item, isSent: boolean): void {
    teller.tell({ status: isSent ? 'sent' : 'local' });
  }

  /** Durable before it is first sent, with the cluster in which it counts: another one may have given the same number to somebody else's session. */
  async #stamp(item: Item): Promise<void> {
    await this.#turnOf(item);
    if (item.failure !== undefined) throw item.failure;
    this.#expectFresh(item);
    if (item.isDiscarded) throw new RaftkvError('cancelled', 'the write was discarded');
    const stamp = this.#session.stamp();
    item.mark = { ...stamp, failure: undefined };
    this.#hooks.onStamped(item);
    await item.lane.mark(item.record.number, item.mark, this.#meantHere(item));
  }

  /** The write, if it is known by now whom it is meant for, and was not when it was made. */
  #meantHere(item: Item): KeptWrite | undefined {
    if (item.record.clusterId !== '') return undefined;
    const { clusterId = '' } = this.#host.kv.replica.getSnapshot();
    item.record = { ...item.record, clusterId };
    return item.record;
  }

  /** The way is open, and nothing is to be sent before it. */
  async #turnOf(item: Item): Promise<void> {
    await this.#hooks.reunited();
    for (;;) {
      await this.#session.ready();
      const earlier = this.#hooks.before(item);
      if (earlier === undefined) return;
      // Its place may be what the other one waits for.
      this.#exit();
      await earlier.teller.write.committed.then(
        () => {},
        () => {},
      );
      await this.#enter();
    }
  }

  #expectFresh(item: Item): void {
    const { ageOf, maxAgeMilliseconds } = this.#hooks;
    if (ageOf(item) <= maxAgeMilliseconds) return;
    const days = Math.floor(maxAgeMilliseconds / dayMilliseconds);
    throw this.#decided(
      item,
      new RaftkvError('timeout', `it has waited for more than ${days} days`, { definite: true }),
    );
  }

  /** What this tab wrote later is sent: it is the app's to decide. If it went out in an earlier life, that is found out by asking for nothing under its stamp. */
  async #overtaken(item: Item): Promise<BatchResult<Value, K>> {
    if (!item.isOld) throw this.#decided(item, wasOvertaken());
    let answer: Answer;
    try {
      answer = await this.#session.send(nothing, item.mark!, (isSent) => this.#sent(item, isSent));
    } catch (thrown) {
      if (this.#signal.aborted) throw thrown;
      throw this.#decided(item, RaftkvError.from(thrown));
    }
    return this.#answered(item, answer);
  }

  #answered(item: Item, answer: Answer): BatchResult<Value, K> {
    // Somebody asked for nothing under its stamp: this tab, or one that had its lane meanwhile. By that it was decided that the write does not happen.
    if (isNothing(answer)) throw this.#decided(item, wasOvertaken());
    try {
      const result = readResult(this.#host.look, answer);
      this.#forget(item);
      return result;
    } catch (thrown) {
      const error = RaftkvError.from(thrown);
      if (error.code === 'condition_failed') throw error;
      // There is an answer, but not for this app. The write has happened all the same.
      this.#forget(item);
      item.isDiscarded = true;
      item.teller.tell({ kept: false });
      throw new RaftkvError(error.code, `${error.message}; the write happened`, { definite: false, cause: error });
    }
  }

  /** Its answer is here: if the page goes before the disk knows, the next one hears the same answer. */
  #forget(item: Item): void {
    const { mark, lane, record } = item;
    item.isAnswered = true;
    lane.forget(record.number).then(
      () => {
        this.#session.settled(mark!);
        this.#hooks.onSettled(item);
      },
      () => {
        // Whoever has the lane now asks for it again, and hears the same.
        if (lane.isLost) this.#hooks.onSettled(item);
      },
    );
  }

  /** The store or the way to it has refused the write, and nothing more is tried. Only then may the floor pass its stamp. */
  #decided(item: Item, error: RaftkvError): RaftkvError {
    const { mark, lane, record } = item;
    const { code, message, found } = error;
    const isDefinite = error.definite && (!item.isOld || answers.includes(code));
    const failure = { code, message, isDefinite };
    const stamp = mark ?? { clientId: 0, sequence: 0 };
    lane.mark(record.number, { ...stamp, failure }).then(
      () => mark && this.#session.settled(mark),
      () => {},
    );
    const told = new RaftkvError(code, message, { definite: isDefinite, cause: error });
    return found === undefined ? told : withFound(told, found);
  }

  /** Sessions of another cluster have the same numbers. */
  async #expectItsCluster({ record, isOld }: Item): Promise<void> {
    const { clusterId = '' } = await this.#until(({ clusterId: known }) => known !== undefined);
    if (record.clusterId === '' || record.clusterId === clusterId) return;
    const message = `it was meant for cluster ${record.clusterId}, and this is ${clusterId}`;
    throw new RaftkvError('wrong_cluster', message, { definite: !isOld });
  }

  async #lookUp(item: Item, error: RaftkvError): Promise<void> {
    const { look, kv } = this.#host;
    const keys = keysOf(decodeWrite(look.codec, item.record.command)).slice(0, maxLookedAt);
    await this.#until(({ connection }) => connection === 'online');
    const entries = await Promise.all(keys.map((key) => kv.getEntry(key)));
    const found = entries.filter((entry) => entry !== undefined) as FoundEntry[];
    const { code, message, definite } = error;
    item.teller.tell({ error: withFound(new RaftkvError(code, message, { definite, cause: error }), found) });
  }

  /** Rejects when the replica is closed. */
  #until(isSo: (status: ReplicaStatus) => boolean): Promise<ReplicaStatus> {
    const { replica } = this.#host.kv;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const status = replica.getSnapshot();
        const isOver = this.#signal.aborted;
        if (!isOver && !isSo(status)) return;
        stop();
        this.#signal.removeEventListener('abort', look);
        if (isOver) reject(new RaftkvError('closed', 'the replica was closed'));
        else resolve(status);
      };
      const stop = replica.subscribe(look);
      this.#signal.addEventListener('abort', look);
      look();
    });
  }
}

function closed(item: Item): RaftkvError {
  const what = item.mark === undefined ? 'the write was not sent' : 'the write may have happened';
  const message = `the replica was closed; ${what}, and is kept for when it is opened again`;
  return new RaftkvError('closed', message, { definite: false });
}

function wasOvertaken(): RaftkvError {
  return new RaftkvError('condition_failed', 'what was written later went before it', { definite: true });
}
