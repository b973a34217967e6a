// What the store must hold at each revision, by carrying out commands in the plainest way: every version of every key is kept and
// nothing is ever forgotten. Shares no code with the store. The checkers ask it; who knows the commands and their order (a log,
// a search) fills it.
import type { Change, ChangeEvent, Compare, Key, KeyRange, KeyValue } from '@raftkv/kv';
import type {
  CommandResult,
  DeleteResult,
  GetResult,
  PutResult,
  ScanResult,
  TxnCommand,
  TxnOp,
  TxnOpResult,
} from '@raftkv/kv';
import { contains, describe } from './agree.ts';
import type { Read, Write } from './history.ts';

interface Version {
  readonly revision: number;
  /** Undefined: deleted. */
  readonly entry: KeyValue | undefined;
}

type Find = (key: Key) => KeyValue | undefined;
type View = { readonly find: Find; readonly within: (range: KeyRange) => KeyValue[] };
/** Not one of kv's refusals: those change nothing, and who fills the truth leaves them out. */
export type Outcome = Exclude<CommandResult, { type: 'session' | 'error' }>;

const noBytes = new Uint8Array(0);

export class Truth {
  readonly #versions = new Map<Key, Version[]>();
  /** From revision 2 on. */
  readonly #changes: Change[] = [];
  #sortedKeys: Key[] = [];

  get revision(): number {
    return this.#changes.length + 1;
  }

  /** What a revision did; undefined of those that there are not. */
  changeAt(revision: number): Change | undefined {
    return this.#changes[revision - 2];
  }

  get(key: Key, revision = this.revision): KeyValue | undefined {
    return this.versionAt(key, revision)?.entry;
  }

  versionAt(key: Key, revision: number): Version | undefined {
    const list = this.#versions.get(key);
    if (list === undefined) return undefined;
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return list[low - 1];
  }

  /** The first revision after `revision` that wrote the key. */
  nextWrite(key: Key, revision: number): number | undefined {
    return this.#versions.get(key)?.find((version) => version.revision > revision)?.revision;
  }

  within(range: KeyRange, revision = this.revision): KeyValue[] {
    if (this.#sortedKeys.length < this.#versions.size) this.#sortedKeys = [...this.#versions.keys()].sort();
    const keys = this.#sortedKeys.filter((key) => contains(range, key));
    return keys.map((key) => this.get(key, revision)).filter((entry) => entry !== undefined);
  }

  /** What a read answers in the state of `revision`. */
  read(op: Read, revision: number): GetResult | ScanResult {
    return readView(op, revision, (at) => this.#viewOf(at ?? revision));
  }

  #viewOf(revision: number): View {
    return { find: (key) => this.get(key, revision), within: (range) => this.within(range, revision) };
  }

  /** What a write would answer in the state of `revision`, and whether it would change something. */
  evaluate(command: Write, revision: number): { readonly outcome: Outcome; readonly events: readonly ChangeEvent[] } {
    if (command.type === 'compact') return { outcome: { type: 'compact', revision }, events: [] };
    const draft = new Draft(this.#viewOf(revision), revision, (at) => this.#viewOf(at));
    if (command.type === 'txn') return { outcome: draft.txn(command), events: draft.events };
    if (command.type !== 'batch') return { outcome: draft.write(command), events: draft.events };
    const results = command.ops.map((op) => draft.write(op));
    return { outcome: { type: 'batch', revision: draft.revision, results }, events: draft.events };
  }

  /** The operations of a transaction that run in the newest state, those of inner ones among them. */
  path(command: TxnCommand): TxnOp[] {
    const before = this.#viewOf(this.revision);
    const pathOf = ({ compare, then, otherwise }: TxnCommand): TxnOp[] =>
      (compare.every((each) => compareHolds(before, each)) ? then : otherwise).flatMap((op) =>
        op.type === 'txn' ? pathOf(op) : [op],
      );
    return pathOf(command);
  }

  /** Carries a command out on the newest state. Answers what it answers. */
  apply(command: Write): Outcome {
    const { outcome, events } = this.evaluate(command, this.revision);
    if (events.length === 0) return outcome;
    const revision = this.revision + 1;
    this.#changes.push({ revision, events });
    for (const event of events) {
      const [key, entry] = event.type === 'put' ? [event.entry.key, event.entry] : [event.key, undefined];
      const list = this.#versions.get(key);
      if (list === undefined) this.#versions.set(key, [{ revision, entry }]);
      else list.push({ revision, entry });
    }
    return outcome;
  }

  /** Takes the newest revision back, for a search that tries others. */
  undo(): void {
    const { events } = this.#changes.pop()!;
    for (const event of events) this.#versions.get(event.type === 'put' ? event.entry.key : event.key)!.pop();
  }
}

/** A state that one command is changing. */
class Draft {
  readonly events: ChangeEvent[] = [];
  readonly #before: View;
  readonly #revision: number;
  readonly #past: (revision: number) => View;
  readonly #written = new Map<Key, KeyValue | undefined>();

  constructor(before: View, revision: number, past: (revision: number) => View) {
    this.#before = before;
    this.#revision = revision;
    this.#past = past;
  }

  get revision(): number {
    return this.#revision + (this.events.length > 0 ? 1 : 0);
  }

  readonly #now: View = {
    find: (key) => (this.#written.has(key) ? this.#written.get(key) : this.#before.find(key)),
    within: (range) => {
      const kept = this.#before.within(range).filter(({ key }) => !this.#written.has(key));
      const added = [...this.#written].filter(([key, entry]) => entry !== undefined && contains(range, key));
      return [...kept, ...added.map(([, entry]) => entry!)].sort((a, b) => (a.key < b.key ? -1 : 1));
    },
  };

  write(op: Extract<TxnOp, { type: 'put' | 'delete' | 'deleteRange' }>): PutResult | DeleteResult {
    const revision = this.#revision + 1;
    if (op.type === 'put') {
      const previous = this.#now.find(op.key);
      const { createRevision, version } = previous ?? { createRevision: revision, version: 0 };
      const entry = { key: op.key, value: op.value, revision, createRevision, version: version + 1 };
      this.#written.set(op.key, entry);
      this.events.push({ type: 'put', entry, previous });
      const told = op.returnPrevious === true && previous !== undefined ? { previous } : {};
      return { type: 'put', revision: this.revision, ...told };
    }
    const found = op.type === 'delete' ? [this.#now.find(op.key)] : this.#now.within(op.range);
    const gone = found.filter((entry) => entry !== undefined);
    for (const previous of gone) {
      this.#written.set(previous.key, undefined);
      this.events.push({ type: 'delete', key: previous.key, revision, previous });
    }
    const told = op.returnPrevious === true ? { previous: gone } : {};
    return { type: 'delete', revision: this.revision, deleted: gone.length, ...told };
  }

  /** Conditions are judged on the state before the first write, those of inner transactions too. */
  txn(command: TxnCommand): Extract<TxnOpResult, { type: 'txn' }> {
    const succeeded = command.compare.every((compare) => compareHolds(this.#before, compare));
    const results = (succeeded ? command.then : command.otherwise).map((op): TxnOpResult => {
      if (op.type === 'txn') return this.txn(op);
      if (op.type !== 'get' && op.type !== 'scan') return this.write(op);
      return readView(op, this.revision, (at) => (at === undefined ? this.#now : this.#past(at)));
    });
    return { type: 'txn', revision: this.revision, succeeded, results };
  }
}

function readView(op: Read, revision: number, viewOf: (at: number | undefined) => View): GetResult | ScanResult {
  const view = viewOf(op.revision === 0 ? undefined : op.revision);
  if (op.type === 'get') return { type: 'get', revision, entry: view.find(op.key) };
  const all = view.within(op.range);
  if (op.reverse === true) all.reverse();
  if (op.countOnly === true) return { type: 'scan', revision, entries: [], more: false, count: all.length };
  const shown = op.keysOnly === true ? all.map((entry) => ({ ...entry, value: noBytes })) : all;
  let taken = 0;
  for (let bytes = 0; taken < shown.length; taken++) {
    if (op.limit !== undefined && op.limit > 0 && taken >= op.limit) break;
    if (op.maxBytes !== undefined && taken > 0 && bytes >= op.maxBytes) break;
    bytes += shown[taken]!.key.length + shown[taken]!.value.length;
  }
  const count = op.withCount === true ? { count: all.length } : {};
  return { type: 'scan', revision, entries: shown.slice(0, taken), more: taken < all.length, ...count };
}

function compareHolds(view: View, compare: Compare): boolean {
  if (compare.range === undefined) return holdsFor(view.find(compare.key), compare);
  const entries = view.within(compare.range);
  return entries.length === 0 ? holdsFor(undefined, compare) : entries.every((entry) => holdsFor(entry, compare));
}

function holdsFor(entry: KeyValue | undefined, compare: Compare): boolean {
  switch (compare.target) {
    case 'value':
      return entry !== undefined && ordered(hex(entry.value), hex(compare.value), compare.operator);
    case 'exists':
      return ordered(Number(entry !== undefined), Number(compare.exists), compare.operator);
    default:
      return ordered(entry?.[compare.target] ?? 0, compare.number, compare.operator);
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function ordered<T extends string | number>(left: T, right: T, operator: Compare['operator']): boolean {
  switch (operator) {
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

/** Equal for equal commands. */
export function identityOf(command: Write): string {
  return describe(command);
}
