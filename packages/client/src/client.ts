// The Kv of a client: each call becomes a request or a command, its answer what the user gets. How it gets there and back is for the
// dispatcher and the session.
import type { Command, KeyRange } from '@raftkv/kv';
import { RaftkvError, keyFrom } from '@raftkv/wire';
import type { KeyInput, NodeStatus, RangeInput } from '@raftkv/wire';
import { expectType } from './answers.ts';
import type { Answer, CallKind, CallOutcome, Request } from './call.ts';
import { checkCallOptions, checkedKey, checkedLevel, checkedNumber, checkedRange } from './checks.ts';
import type { Codec } from './codec.ts';
import type { Encoder } from './coding.ts';
import { decodeValue, encodeValue } from './coding.ts';
import { batchCommand, batchOp, batchOpResult } from './commands.ts';
import type { CallOptions, Dispatcher } from './dispatcher.ts';
import type { Entry, UserKey, View } from './entry.ts';
import { toOptionalEntry } from './entry.ts';
import { Feed } from './feed.ts';
import type { FeedHandlers } from './feed.ts';
import type { PrepareWrite } from './live/outbox.ts';
import type {
  BatchOp,
  BatchResult,
  Condition,
  DeleteOptions,
  DeleteRangeResult,
  DeleteResult,
  EndpointStatus,
  PutOptions,
  PutResult,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  TxnResult,
  WatchOptions,
} from './requests.ts';
import type { Kv } from './kv.ts';
import type { Settings } from './options.ts';
import { makeWatch } from './make-watch.ts';
import { loadRare, withRare } from './rare.ts';
import type { BeginRare, Rare } from './rare.ts';
import { Scan, pagesOf } from './scan.ts';
import type { ReachCopy } from './scan-pages.ts';
import { Session } from './session.ts';
import { Txn } from './txn.ts';
import { txnCommand } from './txn-command.ts';
import type { TxnParts } from './txn-command.ts';
import type { Watch } from './watch.ts';

/** How long closing waits for the cluster to forget the session. */
const closeMilliseconds = 250;

export class Client<Value, K extends UserKey> implements Kv<Value, K> {
  readonly #settings: Settings;
  readonly #codec: Codec<Value>;
  /** For what is sent after the turn of the call: a codec may give what it got, and that is the caller's. */
  readonly #lasting: Encoder<Value> = { encode: (value) => new Uint8Array(encodeValue(this.#codec, value)) };
  readonly #view: View<Value, K>;
  readonly #session: Session;
  readonly #dispatcher: Dispatcher;
  /** Feeds too. */
  readonly #watches = new Set<Pick<Watch, 'connectionsChanged' | 'fail'> & Partial<Pick<Watch, 'wrote'>>>();
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, view: View<Value, K>) {
    this.#settings = settings;
    this.#codec = view.codec;
    this.#view = view;
    this.#session = new Session(settings, (written) => {
      for (const watch of this.#watches) {
        if (written === undefined) watch.connectionsChanged();
        else watch.wrote?.(written);
      }
    });
    this.#dispatcher = this.#session.dispatcher;
  }

  get revision(): number {
    return this.#session.dispatcher.seenRevision;
  }

  // Made once, not for each call.
  readonly #toValue = (answer: Answer): Value | undefined => {
    const { entry } = expectType(answer, 'get');
    return entry === undefined ? undefined : decodeValue(this.#codec, entry.value);
  };
  readonly #toEntry = (answer: Answer): Entry<Value, K> | undefined =>
    toOptionalEntry(this.#view, expectType(answer, 'get').entry);

  get<T extends Value = Value>(key: KeyInput, options: ReadOptions = {}): Promise<T | undefined> {
    return this.#get(key, options, this.#toValue as (answer: Answer) => T | undefined);
  }

  getEntry<T extends Value = Value>(key: KeyInput, options: ReadOptions = {}): Promise<Entry<T, K> | undefined> {
    return this.#get(key, options, this.#toEntry as (answer: Answer) => Entry<T, K> | undefined);
  }

  put(key: KeyInput, value: Value, options?: PutOptions & { readonly returnPrevious?: false }): Promise<number>;
  put(
    key: KeyInput,
    value: Value,
    options: PutOptions & { readonly returnPrevious: true },
  ): Promise<PutResult<Value, K>>;
  put(
    key: KeyInput,
    value: Value,
    options: PutOptions & { readonly returnPrevious?: boolean } = {},
  ): Promise<number | PutResult<Value, K>> {
    const { returnPrevious, ifAbsent, ifRevision } = options;
    // Made often, so without any object that is not needed.
    if (returnPrevious !== true && ifAbsent !== true && ifRevision === undefined) {
      return this.#write(
        () => ({ type: 'put', key: keyFrom(key), value: encodeValue(this.#codec, value) }),
        options,
        toRevision,
      );
    }
    const convert = ({ revision, previous }: PutResult<Value, K>): number | PutResult<Value, K> =>
      returnPrevious === true ? { revision, previous } : revision;
    return this.#change({ type: 'put', key, value, returnPrevious }, options, convert);
  }

  delete(
    key: KeyInput,
    options: DeleteOptions & { readonly returnPrevious?: boolean } = {},
  ): Promise<DeleteResult<Value, K>> {
    const { returnPrevious } = options;
    return this.#change(
      { type: 'delete', key, returnPrevious },
      options,
      ({ deleted, revision, previous: [previous] }: DeleteRangeResult<Value, K>) => ({
        deleted: deleted > 0,
        revision,
        previous,
      }),
    );
  }

  deleteRange(
    range: RangeInput,
    options: RequestOptions & { readonly returnPrevious?: boolean } = {},
  ): Promise<DeleteRangeResult<Value, K>> {
    const { signal, timeoutMilliseconds, returnPrevious } = options;
    return this.#change(
      { type: 'deleteRange', range, returnPrevious },
      { signal, timeoutMilliseconds },
      ({ deleted, revision, previous }: DeleteRangeResult<Value, K>) => ({ deleted, revision, previous }),
    );
  }

  /** One operation: by itself, or with conditions as a transaction. */
  #change<Result, T>(op: BatchOp<Value>, options: PutOptions, convert: (result: Result) => T): Promise<T> {
    const { ifAbsent, ifRevision } = options;
    const type = op.type === 'put' ? 'put' : 'delete';
    if (ifAbsent !== true && ifRevision === undefined) {
      const toResult = (answer: Answer): T =>
        convert(batchOpResult(this.#view, expectType(answer, type)) as unknown as Result);
      return this.#write(() => batchOp(this.#codec, op), options, toResult);
    }
    const { key } = op as Exclude<typeof op, { range: unknown }>;
    const conditions: Condition<Value>[] = [];
    if (ifAbsent === true) conditions.push({ key, exists: false });
    if (ifRevision !== undefined) conditions.push({ key, revision: ifRevision });
    return this.#commit({ if: conditions, then: [op] }, options, ({ changedIf }, result) =>
      convert(changedIf(result, type, ifRevision) as Result),
    );
  }

  scan<T extends Value = Value>(range: RangeInput & ScanOptions): Scan<T, K> {
    return this.scanFrom(range);
  }

  /** Of a copy where there is one. Not part of `Kv`. */
  scanFrom<T extends Value = Value>(range: RangeInput & ScanOptions, reach?: ReachCopy): Scan<T, K> {
    const checked = checkedRange(range, this.#settings.limits);
    const whole = scanOptions(range);
    const walk = () =>
      this.#rare(
        whole,
        () => async (rare, left) => rare.scanPages(this, reach, this.#viewAs<T>(), checked, whole, left),
      );
    return new Scan(whole, () => pagesOf(walk));
  }

  async count(range: RangeInput & ReadOptions): Promise<number> {
    const checked = checkedRange(range, this.#settings.limits);
    const whole = scanOptions(range);
    return this.#rare(whole, () => (rare, left) => rare.countKeys(this, checked, whole, left));
  }

  batch(ops: readonly BatchOp<Value>[], options: RequestOptions = {}): Promise<BatchResult<Value, K>> {
    return this.#write(
      () => batchCommand(this.#codec, ops),
      options,
      (answer) => this.#toBatchResult(answer),
    );
  }

  #toBatchResult(answer: Answer): BatchResult<Value, K> {
    const { revision, results } = expectType(answer, 'batch');
    return { revision, results: results.map((result) => batchOpResult(this.#view, result)) };
  }

  txn(): Txn<Value, K> {
    return new Txn((parts, options) => this.#commit(parts, options, (_rare, result) => result));
  }

  #commit<T>(
    parts: TxnParts<Value>,
    options: RequestOptions,
    convert: (rare: Rare, result: TxnResult<Value, K>) => T,
  ): Promise<T> {
    return this.#rare(options, () => {
      const command = txnCommand(this.#lasting, parts);
      return async (rare, left) => {
        const toResult = (answer: Answer) => rare.txnAnswer(this.#view, command, answer);
        return convert(rare, await this.#write(() => command, left, toResult));
      };
    });
  }

  watch<T extends Value = Value>(range: RangeInput, { from, previous, signal }: WatchOptions = {}): Watch<T, K> {
    this.#expectOpen();
    checkedNumber('from', from, 0);
    const watch = makeWatch<T, K>({
      cluster: this.#dispatcher.cluster,
      settings: this.#settings,
      view: this.#viewAs<T>(),
      range: checkedRange(range, this.#settings.limits),
      options: { from, previous, signal },
      seenRevision: this.revision,
      onSeen: (revision) => this.#dispatcher.see(revision),
      onEnd: (ended) => this.#watches.delete(ended),
    });
    if (!watch.hasEnded) this.#watches.add(watch);
    return watch;
  }

  /** What a copy of the store lives on; not part of `Kv`. The feed begins at once and goes on until it is closed. */
  openFeed(ranges: readonly KeyRange[], handlers: FeedHandlers): Feed {
    this.#expectOpen();
    const { cluster, settings } = this.#dispatcher;
    const feed = new Feed({ cluster, settings, ranges, handlers, onEnd: (ended) => this.#watches.delete(ended) });
    this.#watches.add(feed);
    return feed;
  }

  /** The revision of a linearizable read as of now: a copy that has come so far may answer one. Not part of `Kv`. */
  readRevision(options: RequestOptions): Promise<number> {
    return this.#get('\0', { ...options, level: 'linearizable' }, (answer) => expectType(answer, 'get').revision);
  }

  /** The copy shows this revision: level `session` reads at least that from now on. Not part of `Kv`. */
  see(revision: number): void {
    this.#dispatcher.see(revision);
  }

  /** Cuts this client off, or connects it again. Not part of `Kv`. */
  setOnline(isOnline: boolean): void {
    this.#dispatcher.cluster.setOnline(isOnline);
  }

  /** One node could not be reached, or was lost: told to whoever shows it. Not part of `Kv`. */
  onNodeFailed(listener: (error: RaftkvError) => void): void {
    this.#dispatcher.onNodeFailed = listener;
  }

  /** Talks to this cluster and no other from now on. Not part of `Kv`. */
  expectCluster(clusterId: string): void {
    this.#dispatcher.cluster.expect(clusterId);
  }

  /**
   * A batch, encoded now and sent later: it waits out an offline spell and tells when it leaves. Not part of `Kv`. Throws at once for what cannot be
   * encoded.
   */
  readonly prepare: PrepareWrite<Value, K> = (ops, { if: conditions, timeoutMilliseconds = Infinity }, { tell }) => {
    if (conditions !== undefined)
      throw new RaftkvError('unsupported', 'conditions need the option outbox, and no timeout');
    const command = batchCommand(this.#lasting, ops);
    const onSent = (isSent: boolean): void => tell({ status: isSent ? 'sent' : 'local' });
    return () =>
      this.#write(
        () => command,
        { timeoutMilliseconds, onSent, isPatient: true },
        (answer) => this.#toBatchResult(answer),
      );
  };

  /** Loads what a page may need later, where it is not there yet. Rejects if it cannot be had now. Not part of `Kv`. */
  prefetch(): Promise<unknown> {
    return loadRare(this.#settings.clock);
  }

  async compact(revision: number, options: RequestOptions = {}): Promise<void> {
    await this.#write(
      () => ({ type: 'compact', revision }),
      options,
      (answer) => expectType(answer, 'compact'),
    );
  }

  status(options: RequestOptions & { readonly endpoint?: string } = {}): Promise<NodeStatus> {
    return this.#rare(
      options,
      () =>
        ({ askStatus }, left) =>
          askStatus(this, left),
    );
  }

  statusOfAll(options: RequestOptions = {}): Promise<readonly EndpointStatus[]> {
    const { timeoutMilliseconds = this.#settings.connectTimeoutMilliseconds, signal } = options;
    return Promise.all(
      this.#dispatcher.cluster.endpoints().map((endpoint) =>
        this.status({ timeoutMilliseconds, signal, endpoint }).then(
          (status) => ({ endpoint, status, error: undefined }),
          (error: RaftkvError) => ({ endpoint, status: undefined, error }),
        ),
      ),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const error = new RaftkvError('closed', 'the client was closed');
    const watches = [...this.#watches];
    for (const watch of watches) watch.fail(error);
    this.#dispatcher.endAll();
    await this.#session.close(closeMilliseconds);
    this.#dispatcher.close();
  }

  /** What a user says a value is, is taken at its word. */
  #viewAs<T extends Value>(): View<T, K> {
    return this.#view as View<Value, K> as View<T, K>;
  }

  #expectOpen(): void {
    if (this.#closing !== undefined) throw new RaftkvError('closed', 'the client was closed');
  }

  #get<T>(key: KeyInput, options: ReadOptions, convert: (answer: Answer) => T): Promise<T> {
    const { level = 'linearizable', revision } = options;
    const request = (): Request => {
      const minRevision = this.leastRevision(options);
      return { type: 'get', id: 0, key: checkedKey(key, this.#settings.limits), level, minRevision, revision };
    };
    return this.ask('read', request, options, convert);
  }

  /** What a node must have come to before it may answer. Throws for what is no level and no revision. Not part of `Kv`. */
  leastRevision({ level, revision }: ReadOptions): number {
    checkedNumber('revision', revision, 0);
    return checkedLevel(level) === 'session' ? (revision ?? this.revision) : 0;
  }

  /** Not part of `Kv`: what is neither a write of the session nor a read that is named above. */
  ask<T>(kind: CallKind, request: () => Request, options: CallOptions, convert: (answer: Answer) => T): Promise<T> {
    return this.#begin(options, convert, (outcome) =>
      this.#dispatcher.place(this.#dispatcher.open(kind, request(), outcome, options)),
    );
  }

  /** What is begun with code that may be loaded for it. `prepare` reads what the call is given, since that is the caller's. */
  #rare<T>(options: CallOptions, prepare: () => BeginRare<T>): Promise<T> {
    return this.#begin(options, undefined!, (outcome) => withRare(this.#dispatcher, outcome, options, prepare()));
  }

  #write<T>(command: () => Command, options: CallOptions, convert: (answer: Answer) => T): Promise<T> {
    return this.#begin(options, convert, (outcome) => this.#session.write(command(), outcome, options));
  }

  /** Whatever a call trips over before it begins is something that the user gave: no key, no list, no range. */
  #begin<T>(options: CallOptions, convert: (answer: Answer) => T, begin: (outcome: CallOutcome) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        this.#expectOpen();
        checkCallOptions(options);
        begin({ convert, resolve, reject });
      } catch (error) {
        reject(RaftkvError.from(error, 'invalid_argument'));
      }
    });
  }
}

/** As they are now. */
function scanOptions(range: ScanOptions): ScanOptions {
  const { limit, pageSize, reverse, keysOnly, level, revision, signal, timeoutMilliseconds } = range;
  return { limit, pageSize, reverse, keysOnly, level, revision, signal, timeoutMilliseconds };
}

function toRevision(answer: Answer): number {
  return expectType(answer, 'put').revision;
}
