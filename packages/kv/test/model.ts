// A naive twin of the store for property tests: the whole state is kept for every revision, nothing is indexed, trimmed or
// shared, and each rule is written down in the plainest way. It shares no code with the store but the types.
import type {
  ChangeEvent,
  Command,
  CommandEnvelope,
  CommandError,
  CommandErrorCode,
  CommandResult,
  Compare,
  DeleteOp,
  DeleteRangeOp,
  GetOp,
  Key,
  KeyRange,
  KeyValue,
  PutOp,
  ScanOp,
  ScanOptions,
  StoreOptions,
  TxnCommand,
  TxnOp,
  TxnOpResult,
} from '../src/index.ts';

type State = ReadonlyMap<Key, KeyValue>;
type WriteOp = PutOp | DeleteOp | DeleteRangeOp;

interface ModelSession {
  readonly clientId: number;
  usedAt: number;
  floor: number;
  answers: [sequence: number, answer: CommandResult][];
}

function heldBytes(session: ModelSession): number {
  return session.answers.reduce((total, [, answer]) => total + answerSize(answer), 0);
}

function answerSize(answer: CommandResult | TxnOpResult): number {
  const inner = 'results' in answer ? answer.results : [];
  const entries: (KeyValue | undefined)[] = [];
  if ('previous' in answer) entries.push(...[answer.previous ?? []].flat());
  if ('entry' in answer) entries.push(answer.entry);
  if ('entries' in answer) entries.push(...answer.entries);
  const found = entries.filter((entry) => entry !== undefined).map((entry) => 32 + size(entry));
  return 32 + [...found, ...inner.map(answerSize)].reduce((total, each) => total + each, 0);
}

class Refused extends Error {
  readonly code: CommandErrorCode;
  constructor(code: CommandErrorCode) {
    super(code);
    this.code = code;
  }
}

export class Model {
  readonly #options: Required<StoreOptions>;
  /** By revision. */
  readonly states: State[] = [new Map(), new Map()];
  readonly feed: ChangeEvent[][] = [[], []];
  compactedRevision = 0;
  sessions: ModelSession[] = [];
  #clock = 0;

  constructor(options: Required<StoreOptions>) {
    this.#options = options;
  }

  get revision(): number {
    return this.states.length - 1;
  }

  apply(index: number, { session: stamp, command }: CommandEnvelope): CommandResult {
    this.#clock++;
    if (stamp === undefined) return this.#attempt(index, command);
    const session = this.sessions.find((each) => each.clientId === stamp.clientId);
    if (session === undefined) return this.#refusal('session_expired');
    session.usedAt = this.#clock;
    session.floor = Math.max(session.floor, stamp.ackFloor);
    session.answers = session.answers.filter(([sequence]) => sequence > session.floor);
    if (stamp.sequence <= session.floor) return this.#refusal('session_stale');
    const known = session.answers.find(([sequence]) => sequence === stamp.sequence);
    if (known !== undefined) return known[1];
    const { maxSessionAnswers, maxSessionAnswerBytes, maxAnswerBytes } = this.#options;
    if (session.answers.length >= maxSessionAnswers || heldBytes(session) >= maxSessionAnswerBytes) {
      return this.#refusal('session_overflow');
    }
    const answer = this.#attempt(index, command);
    session.answers.push([stamp.sequence, answer]);
    while (this.sessions.reduce((total, each) => total + heldBytes(each), 0) > maxAnswerBytes) {
      const most = Math.max(...this.sessions.map(heldBytes));
      const largest = this.sessions.filter((each) => heldBytes(each) === most);
      const oldest = Math.min(...largest.map((each) => each.usedAt));
      this.sessions = this.sessions.filter((each) => !largest.includes(each) || each.usedAt !== oldest);
    }
    return answer;
  }

  #refusal(code: CommandErrorCode): CommandError {
    const error = { type: 'error', code, message: '' } as const;
    return code === 'compacted' ? { ...error, compactedRevision: this.compactedRevision } : error;
  }

  #attempt(index: number, command: Command): CommandResult {
    try {
      return this.#carryOut(index, command);
    } catch (error) {
      if (error instanceof Refused) return this.#refusal(error.code);
      throw error;
    }
  }

  #carryOut(index: number, command: Command): CommandResult {
    switch (command.type) {
      case 'openSession':
        this.#clock++;
        while (this.sessions.length >= this.#options.maxSessions) {
          const oldest = Math.min(...this.sessions.map((each) => each.usedAt));
          this.sessions = this.sessions.filter((each) => each.usedAt !== oldest);
        }
        this.sessions.push({ clientId: index, usedAt: this.#clock, floor: 0, answers: [] });
        return { type: 'session', clientId: index };
      case 'keepAlive':
      case 'closeSession': {
        this.#clock++;
        const session = this.sessions.find((each) => each.clientId === command.clientId);
        if (session === undefined) throw new Refused('session_expired');
        if (command.type === 'keepAlive') session.usedAt = this.#clock;
        else this.sessions = this.sessions.filter((each) => each !== session);
        return { type: 'session', clientId: command.clientId };
      }
      case 'compact':
        if (command.revision <= this.compactedRevision) throw new Refused('compacted');
        if (command.revision > this.revision) throw new Refused('future_revision');
        this.compactedRevision = command.revision;
        return { type: 'compact', revision: this.revision };
      default:
        return this.#write(command);
    }
  }

  #write(command: WriteOp | TxnCommand | Extract<Command, { type: 'batch' }>): CommandResult {
    const draft = new Draft(this);
    let result: CommandResult;
    if (command.type === 'batch') {
      const keys = command.ops.flatMap((op) => (op.type === 'deleteRange' ? [] : [op.key]));
      if (new Set(keys).size < keys.length || clash(command.ops)) throw new Refused('duplicate_key');
      const results = command.ops.map((op) => draft.write(op));
      result = { type: 'batch', revision: draft.revision, results };
    } else if (command.type === 'txn') {
      if (paths(command.then).some(clash) || paths(command.otherwise).some(clash)) throw new Refused('duplicate_key');
      for (const op of this.chosen(command)) if (op.type === 'get' || op.type === 'scan') this.checkRead(op.revision);
      result = draft.txn(command);
    } else {
      result = draft.write(command);
    }
    if (draft.events.length > 0) {
      this.states.push(draft.state);
      this.feed.push(draft.events);
    }
    while (this.#isWindowTooLarge()) this.compactedRevision++;
    return result;
  }

  #isWindowTooLarge(): boolean {
    const { retainedRevisions, retainedBytes } = this.#options;
    if (this.revision - this.compactedRevision + 1 > retainedRevisions && this.revision > 1) return true;
    const events = this.feed.slice(this.compactedRevision + 1).flat();
    const bytes = events.map((event) => 256 + (event.type === 'put' ? size(event.entry) : event.key.length));
    return bytes.reduce((sum, each) => sum + each, 0) > retainedBytes;
  }

  /** The operations of the branches that the present state selects. */
  chosen(command: TxnCommand): Exclude<TxnOp, TxnCommand>[] {
    const branch = this.holdsAll(command) ? command.then : command.otherwise;
    return branch.flatMap((op) => (op.type === 'txn' ? this.chosen(op) : [op]));
  }

  holdsAll(command: TxnCommand): boolean {
    return command.compare.every((compare) => holds(this.now(), compare));
  }

  now(): State {
    return this.states[this.revision] ?? new Map();
  }

  checkRead(revision: number | undefined): void {
    if (revision === undefined || revision === 0) return;
    if (revision > this.revision) throw new Refused('future_revision');
    if (revision < this.compactedRevision) throw new Refused('compacted');
  }

  get(key: Key, revision: number | undefined): TxnOpResult | CommandError {
    return this.#read(revision, (state) => ({ type: 'get', revision: this.revision, entry: state.get(key) }));
  }

  scan(range: KeyRange, options: ScanOptions): TxnOpResult | CommandError {
    return this.#read(options.revision, (state) => scanState(state, this.revision, range, options));
  }

  #read(revision: number | undefined, read: (state: State) => TxnOpResult): TxnOpResult | CommandError {
    try {
      this.checkRead(revision);
    } catch (error) {
      if (error instanceof Refused) return this.#refusal(error.code);
      throw error;
    }
    return read(this.states[revision === undefined || revision === 0 ? this.revision : revision] ?? new Map());
  }

  changes(from: number, range: KeyRange, limit: number): unknown {
    if (from < this.compactedRevision) return this.#refusal('compacted');
    const changes = [];
    let revision = from;
    for (; revision <= this.revision && revision < from + limit; revision++) {
      const events = (this.feed[revision] ?? [])
        .filter((event) => contains(range, event.type === 'put' ? event.entry.key : event.key))
        .map((event) => (revision > this.compactedRevision ? event : { ...event, previous: undefined }));
      if (events.length > 0) changes.push({ revision, events });
    }
    return { changes, nextRevision: revision };
  }
}

/** A state being changed by one command. */
class Draft {
  readonly state: Map<Key, KeyValue>;
  readonly events: ChangeEvent[] = [];
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
    this.state = new Map(model.now());
  }

  get revision(): number {
    return this.#model.revision + (this.events.length > 0 ? 1 : 0);
  }

  write(op: WriteOp): Extract<TxnOpResult, { type: 'put' | 'delete' }> {
    const next = this.#model.revision + 1;
    if (op.type === 'put') {
      const previous = this.state.get(op.key);
      const createRevision = previous?.createRevision ?? next;
      const entry = {
        key: op.key,
        value: op.value,
        revision: next,
        createRevision,
        version: (previous?.version ?? 0) + 1,
      };
      this.state.set(op.key, entry);
      this.events.push({ type: 'put', entry, previous });
      return op.returnPrevious === true && previous !== undefined
        ? { type: 'put', revision: this.revision, previous }
        : { type: 'put', revision: this.revision };
    }
    const range = op.type === 'delete' ? { from: op.key, to: `${op.key}\0` } : op.range;
    const gone = within(this.state, range);
    for (const previous of gone) {
      this.state.delete(previous.key);
      this.events.push({ type: 'delete', key: previous.key, revision: next, previous });
    }
    const result = { type: 'delete', revision: this.revision, deleted: gone.length } as const;
    return op.returnPrevious === true ? { ...result, previous: gone } : result;
  }

  /** Conditions are judged on the state before the command, so the model's own. */
  txn(command: TxnCommand): Extract<TxnOpResult, { type: 'txn' }> {
    const succeeded = this.#model.holdsAll(command);
    const results = (succeeded ? command.then : command.otherwise).map((op) => this.#step(op));
    return { type: 'txn', revision: this.revision, succeeded, results };
  }

  #step(op: TxnOp): TxnOpResult {
    if (op.type === 'txn') return this.txn(op);
    if (op.type === 'get' || op.type === 'scan') return this.#read(op);
    return this.write(op);
  }

  #read(op: GetOp | ScanOp): TxnOpResult {
    const isPast = op.revision !== undefined && op.revision > 0;
    const state = isPast ? (this.#model.states[op.revision] ?? new Map<Key, KeyValue>()) : this.state;
    if (op.type === 'get') return { type: 'get', revision: this.revision, entry: state.get(op.key) };
    return scanState(state, this.revision, op.range, op);
  }
}

function contains(range: KeyRange, key: Key): boolean {
  return range.from <= key && (range.to === undefined || key < range.to);
}

function within(state: State, range: KeyRange): KeyValue[] {
  return [...state.values()].filter((entry) => contains(range, entry.key)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function size(entry: KeyValue): number {
  return entry.key.length + entry.value.length;
}

function scanState(state: State, revision: number, range: KeyRange, options: ScanOptions): TxnOpResult {
  const all = within(state, range).map((entry) =>
    options.keysOnly === true ? { ...entry, value: new Uint8Array(0) } : entry,
  );
  if (options.reverse === true) all.reverse();
  if (options.countOnly === true) return { type: 'scan', revision, entries: [], more: false, count: all.length };
  const entries: KeyValue[] = [];
  let bytes = 0;
  for (const entry of all) {
    const isLimited = options.limit !== undefined && options.limit > 0 && entries.length >= options.limit;
    if (isLimited || (options.maxBytes !== undefined && entries.length > 0 && bytes >= options.maxBytes)) break;
    entries.push(entry);
    bytes += size(entry);
  }
  const result = { type: 'scan', revision, entries, more: entries.length < all.length } as const;
  return options.withCount === true ? { ...result, count: all.length } : result;
}

function holds(state: State, compare: Compare): boolean {
  const entries = compare.range === undefined ? [state.get(compare.key)] : within(state, compare.range);
  if (entries.length === 0) entries.push(undefined);
  return entries.every((entry) => holdsFor(entry, compare));
}

function holdsFor(entry: KeyValue | undefined, compare: Compare): boolean {
  let left: number | string;
  let right: number | string;
  if (compare.target === 'value') {
    if (entry === undefined) return false;
    [left, right] = [hex(entry.value), hex(compare.value)];
  } else if (compare.target === 'exists') {
    [left, right] = [Number(entry !== undefined), Number(compare.exists)];
  } else {
    [left, right] = [entry === undefined ? 0 : entry[compare.target], compare.number];
  }
  switch (compare.operator) {
    case 'equal':
      return left === right;
    case 'notEqual':
      return left !== right;
    case 'greater':
      return left > right;
    case 'less':
      return left < right;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Every list of writes that a list of operations could come down to. */
function paths(ops: readonly TxnOp[]): WriteOp[][] {
  return ops.reduce<WriteOp[][]>(
    (before, op) => {
      if (op.type === 'get' || op.type === 'scan') return before;
      const choices = op.type === 'txn' ? [...paths(op.then), ...paths(op.otherwise)] : [[op]];
      return before.flatMap((path) => choices.map((choice) => [...path, ...choice]));
    },
    [[]],
  );
}

/** Whether two writes of one path meet at a key that at least one of them puts. */
function clash(ops: readonly WriteOp[]): boolean {
  return ops.some((a, at) =>
    ops.some((b, other) => {
      if (a.type !== 'put' || at === other) return false;
      return b.type === 'deleteRange' ? contains(b.range, a.key) : a.key === b.key;
    }),
  );
}
