// Schemas of a library that speaks Standard Schema: as the codec of a client, and beside one live query.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { json, schemaCodec, text } from '../src/index.ts';
import type { LiveEntry, ReadState, StandardSchema } from '../src/index.ts';
import { shapeState } from '../src/live/index.ts';

const todo = v.object({ title: v.string(), isDone: v.boolean() });
type Todo = v.InferOutput<typeof todo>;

describe('a codec with a schema', () => {
  const codec = schemaCodec(todo);

  it('writes and reads what fits, and types it', () => {
    const given: Todo = { title: 'tea', isDone: false };
    const read: Todo = codec.decode(codec.encode(given));
    expect(read).toEqual(given);
    expect(schemaCodec(v.pipe(v.string(), v.minLength(1)), text).decode(text.encode('a'))).toBe('a');
  });

  it('refuses what does not fit, with where it is, before it is sent and when it is read', () => {
    const wrong = { title: 1, isDone: false };
    expect(() => codec.encode(wrong as unknown as Todo)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/^title: /) }),
    );
    expect(() => codec.decode(json.encode(wrong))).toThrow(expect.objectContaining({ code: 'bad_frame' }));
  });

  it('refuses to wait, and takes what a validator throws for a refusal', () => {
    const late = schemaCodec(
      v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ) as StandardSchema<string, string>,
    );
    expect(() => late.encode('a')).toThrow(expect.objectContaining({ code: 'unsupported' }));
    const broken: StandardSchema<string, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('out of order');
        },
      },
    };
    expect(() => schemaCodec(broken).encode('a')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: 'out of order' }),
    );
  });
});

describe('the shape of a state', () => {
  const row = (value: unknown, revision = 2): LiveEntry => ({
    key: 'a',
    value,
    revision,
    createRevision: 2,
    version: 1,
    isPending: false,
  });
  const pending: ReadState<never> = {
    status: 'pending',
    data: undefined,
    error: undefined,
    fetchStatus: 'fetching',
    source: 'confirmed',
    pendingWrites: 0,
    revision: 0,
  };
  const success = <T>(data: T, revision = 2): ReadState<T> => ({
    ...pending,
    status: 'success',
    fetchStatus: 'idle',
    data,
    revision,
  });

  it('is the same object while what was selected is equal', () => {
    const length = { select: (rows: readonly LiveEntry[]) => rows.length };
    const before = shapeState(success([row(1)]), length, undefined);
    expect(before).toMatchObject({ data: 1, revision: 2 });
    expect(shapeState(success([row(2)], 3), length, before)).toBe(before);
    expect(shapeState(success([row(2), row(3)], 4), length, before)).toMatchObject({ data: 2, revision: 4 });
    const none = { select: () => Number.NaN };
    const first = shapeState(success(null), none, undefined);
    expect(shapeState(success(null, 9), none, first)).toBe(first);
    const empty = { select: () => undefined };
    const second = shapeState(success(null), empty, undefined);
    expect(shapeState(success(null, 9), empty, second)).toBe(second);
  });

  it('compares by isEqual, and keeps the object from before', () => {
    const titles = {
      select: (rows: readonly LiveEntry[]) => rows.map((each) => String(each.value)),
      isEqual: (a: readonly string[], b: readonly string[]) => a.join() === b.join(),
    };
    const before = shapeState(success([row('x')]), titles, undefined);
    const busy = shapeState({ ...success([row('x')], 3), pendingWrites: 1 }, titles, before);
    expect(busy).toMatchObject({ pendingWrites: 1 });
    expect(busy.data).toBe(before.data);
  });

  it('shows initial data until there is some, and passes it through select', () => {
    const options = { initialData: row('first'), select: (entry: LiveEntry | null) => entry?.value };
    expect(shapeState(pending, options, undefined)).toMatchObject({ status: 'success', data: 'first', revision: 0 });
    expect(shapeState(success(row('there')), options, undefined)).toMatchObject({ data: 'there', revision: 2 });
    expect(shapeState(success(null), options, undefined)).toMatchObject({ status: 'success', data: undefined });
  });

  it('has values as the schema makes them, the same objects for the same rows', () => {
    const schema = v.pipe(
      v.string(),
      v.transform((value) => value.length),
    );
    const [a, b, c] = [row('one'), row('three'), row('seven')];
    const first = shapeState<readonly LiveEntry[], readonly LiveEntry[]>(success([a, b]), { schema }, undefined);
    expect(first.data!.map((each) => each.value)).toEqual([3, 5]);
    const second = shapeState<readonly LiveEntry[], readonly LiveEntry[]>(success([a, c], 3), { schema }, first);
    expect(second.data![0]).toBe(first.data![0]);
    expect(shapeState(success(null), { schema }, undefined)).toMatchObject({ status: 'success', data: null });
  });

  it('is an error where a value does not fit, beside what fitted before', () => {
    const options = { schema: todo };
    const fine = shapeState<LiveEntry | null, LiveEntry | null>(
      success(row({ title: 'a', isDone: true })),
      options,
      undefined,
    );
    const wrong = success<LiveEntry | null>(row({ title: 'a' }, 3), 3);
    const failed = shapeState(wrong, options, fine);
    expect(failed).toMatchObject({ status: 'error', error: { code: 'bad_frame' }, revision: 2 });
    expect(failed.error!.message).toMatch(/value of a .* isDone/);
    expect(failed.data).toBe(fine.data);
    expect(shapeState({ ...wrong }, options, failed)).toBe(failed);
    expect(shapeState(wrong, options, undefined)).toMatchObject({ status: 'error', data: undefined });
  });
});
