// What one asker makes of the state of a live query: validated by a schema, with a part selected, or with something to show until the copy
// is there. Pure; bindings call it with what it answered before, so that an equal answer stays the same object and nothing renders again.
import { RaftkvError } from '@raftkv/wire';
import type { LiveEntry, ReadState } from '../live.ts';
import { validated } from '../schema.ts';
import type { StandardSchema } from '../schema.ts';
import { isSame } from './query.ts';

export interface ShapeOptions<Data, Selected> {
  /** Values that do not fit make the state an error (`bad_frame`). Give the same object each time. */
  readonly schema?: StandardSchema<never, unknown> | undefined;
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
  options: ShapeOptions<Data, Selected>,
  before: ReadState<Selected> | undefined,
): ReadState<Selected> {
  const { schema, select, isEqual = Object.is, initialData } = options;
  let { data, status, error, revision } = state;
  if (data === undefined && status === 'pending' && initialData !== undefined) {
    data = initialData;
    status = 'success';
  }
  let selected: Selected | undefined;
  if (data !== undefined) {
    try {
      if (schema !== undefined) data = fit(schema, data) as Data;
    } catch (thrown) {
      status = 'error';
      error = thrown as RaftkvError;
    }
    const hasBefore = before !== undefined && (before.data !== undefined || before.status === 'success');
    if (error !== undefined && error !== state.error) {
      // What fitted before stays to be seen.
      selected = before?.data;
      revision = before?.revision ?? 0;
    } else {
      selected = select === undefined ? (data as unknown as Selected) : select(data);
      if (hasBefore && isEqual(before.data as Selected, selected)) {
        selected = before.data;
        revision = before.revision;
      }
    }
  }
  const shaped = { ...state, data: selected, status, error, revision };
  return before !== undefined && isSame(shaped, before) ? before : shaped;
}

type Row = LiveEntry<unknown, never>;

/** By schema: what it made of rows and lists of rows, or why it did not. */
const made = new WeakMap<object, WeakMap<object, { readonly fit: unknown } | { readonly error: RaftkvError }>>();

/** The data of a live query with each value as the schema gives it; the same object for the same data. */
function fit(schema: StandardSchema<never, unknown>, data: unknown): unknown {
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

function fitRow(schema: StandardSchema<never, unknown>, row: Row): Row {
  try {
    return { ...row, value: validated(schema as StandardSchema<unknown>, row.value, 'bad_frame') };
  } catch (error) {
    const { code, message } = error as RaftkvError;
    throw new RaftkvError(code, `the value of ${String(row.key)} does not fit the schema: ${message}`, { cause: error });
  }
}
