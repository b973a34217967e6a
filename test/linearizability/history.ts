// A history: what clients asked of a key-value store, when, and what they were told. Here live its types and its
// form on disk (one JSON object a line); judging it is checker.ts, recording it is the business of the tests.

export type OperationKind = 'get' | 'put' | 'del' | 'cas';

/**
 * One operation of one client. All times come from one monotonic clock. `ret: null` means that the outcome is unknown:
 * the operation may have happened at any time after its call, or never. What definitely did not happen is left out.
 */
export interface Operation {
  /** Client number: only for people who read the history. */
  readonly c: number;
  readonly op: OperationKind;
  readonly k: string;
  /** The value of a put, the new value of a cas. */
  readonly v?: string;
  /** What a cas expects: a value, or null = the key is absent. */
  readonly old?: string | null;
  readonly call: number;
  readonly ret: number | null;
  /** What a get saw: a value, or null = absent. */
  readonly out?: string | null;
  /** cas: it matched and wrote. del: the key was there. Left out when the client was not told. */
  readonly ok?: boolean;
  /** The same as `ret: null`, spelled out for other tools. */
  readonly unk?: boolean;
}

/** One JSON object a line, in order of call. */
export function formatHistory(operations: readonly Operation[]): string {
  return operations
    .toSorted((a, b) => a.call - b.call)
    .map((operation) => `${JSON.stringify(operation)}\n`)
    .join('');
}

/** Reads what formatHistory wrote. Throws with the line number on anything that is not an operation. */
export function parseHistory(text: string): Operation[] {
  const operations: Operation[] = [];
  for (const [lineIndex, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    operations.push(checkOperation(JSON.parse(line) as Operation, lineIndex + 1));
  }
  return operations;
}

function checkOperation(operation: Operation, lineNumber: number): Operation {
  const fail = (what: string): never => {
    throw new Error(`history line ${lineNumber}: ${what}`);
  };
  if (!['get', 'put', 'del', 'cas'].includes(operation.op)) fail(`unknown op ${String(operation.op)}`);
  if (typeof operation.k !== 'string') fail('k must be a string');
  if (typeof operation.call !== 'number') fail('call must be a number');
  if (operation.ret !== null && !(operation.ret >= operation.call)) fail('ret must be null or at least call');
  if ((operation.op === 'put' || operation.op === 'cas') && typeof operation.v !== 'string') fail('v must be a string');
  if (operation.op === 'cas' && operation.old === undefined) fail('a cas needs old');
  if (operation.op === 'get' && operation.ret !== null && operation.out === undefined) fail('a get needs out');
  return operation;
}

/** For people: `client 3: cas k "1" → "2"  [12..40]  said no`. */
export function describeOperation(operation: Operation): string {
  const quote = (value: string | null | undefined): string => (value == null ? 'absent' : JSON.stringify(value));
  const time = `[${operation.call}..${operation.ret ?? '?'}]`;
  const head = `client ${operation.c} ${time}: ${operation.op} ${operation.k}`;
  const told = operation.ok === undefined || operation.ret === null ? '' : operation.ok ? ', told yes' : ', told no';
  switch (operation.op) {
    case 'get':
      return `${head} saw ${quote(operation.out)}`;
    case 'put':
      return `${head} ${quote(operation.v)}`;
    case 'del':
      return `${head}${told}`;
    case 'cas':
      return `${head} ${quote(operation.old)} to ${quote(operation.v)}${told}`;
  }
}
