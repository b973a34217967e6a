// What one asker makes of the state of a live query: validated by a schema, with a part selected, or with something to show until the copy
// is there. Pure; bindings call it with what it answered before, so that an equal answer stays the same object and nothing renders again.
import { RaftkvError } from '@raftkv/wire';
import type { LiveEntry, ReadState } from '../live.ts';
import { validated } from '../schema.ts';
import type { StandardSchema } from '../schema.ts';
import { isSameState } from './read-state.ts';

export interface ShapeOptions<Data, Selected> {
  /** Values that do not fit make the state an error (`bad_frame`). Give the same object each time. */
  readonly schema?: StandardSchema | undefined;
  /** A part of the data, or something made of it. What it answers is compared by `isEqual`, so it may make new objects. */
  readonly select?: ((data: Data) => Selected) | undefined;
  /** Default: Object.is. */
  readonly isEqual?: ((a: Selected, b: Selected) => boolean) | undefined;
  /** Shown as a success at revision 0 while the query is pending: what a server has read, say. */
  readonly initialData?: Data | undefined;
}

/** `before`: what this answered last about the same query. */
export function shapeState<Data, Selected>(
  state: ReadState<Data>,
  { schema, select, isEqual = Object.is, initialData }: ShapeOptions<Data, Selected>,
  before: ReadState<Selected> | undefined,
): ReadState<Selected> {
  const isFirst = state.status === 'pending' && state.data === undefined;
  const filled =
    isFirst && initialData !== undefined ? { ...state, status: 'success' as const, data: initialData } : state;
  const checked = schema === undefined ? filled : checkedBy(schema, filled);
  const { data } = checked;
  let shaped: ReadState<Selected>;
  if (data === undefined) {
    // Nothing yet, or nothing that fits: what did before stays to be seen.
    shaped = { ...checked, data: before?.data, revision: before?.revision ?? checked.revision };
  } else {
    const selected = select === undefined ? (data as unknown as Selected) : select(data);
    const hasBefore = before !== undefined && (before.data !== undefined || before.status === 'success');
    const isOld = hasBefore && isEqual(before.data as Selected, selected);
    shaped = isOld ? { ...checked, data: before.data, revision: before.revision } : { ...checked, data: selected };
  }
  return before !== undefined && isSameState(shaped, before) ? before : shaped;
}

function checkedBy<Data>(schema: StandardSchema, state: ReadState<Data>): ReadState<Data> {
  try {
    return { ...state, data: fit(schema, state.data) as Data };
  } catch (error) {
    return { ...state, status: 'error', error: error as RaftkvError, data: undefined };
  }
}

type Row = LiveEntry<unknown, never>;

/** By schema: what it made of rows and lists of rows, or why it did not. */
const made = new WeakMap<object, WeakMap<object, { readonly fit: unknown } | { readonly error: RaftkvError }>>();

/** The data of a live query with each value as the schema gives it; the same object for the same data. */
function fit(schema: StandardSchema, data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  let known = made.get(schema);
  if (known === undefined) made.set(schema, (known = new WeakMap()));
  let found = known.get(data);
  if (found === undefined) {
    try {
      found = { fit: Array.isArray(data) ? data.map((row) => fit(schema, row)) : fitRow(schema, data as Row) };
    } catch (error) {
      found = { error: error as RaftkvError };
    }
    known.set(data, found);
  }
  if ('error' in found) throw found.error;
  return found.fit;
}

function fitRow(schema: StandardSchema, row: Row): Row {
  try {
    return { ...row, value: validated(schema, row.value, 'bad_frame') };
  } catch (error) {
    const { code, message } = error as RaftkvError;
    throw new RaftkvError(code, `the value of ${String(row.key)} does not fit the schema: ${message}`, {
      cause: error,
    });
  }
}
