// The lines that people write in a room: keys that keep their order and their text whatever that is, and what is said of one that did not get there.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RaftkvError } from 'raftkv';
import {
  decisionOn,
  isUndecided,
  lineRange,
  maxLineLength,
  newLineKey,
  textOf,
  writerOf,
} from '../../../demo/src/room/lines/line-model.ts';

const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const moment = fc.integer({ min: 0, max: 4_000_000_000_000 });

it('has its text in its key, whatever it is', () => {
  const text = fc.string({ minLength: 1, maxLength: maxLineLength, unit: 'grapheme' });
  fc.assert(
    fc.property(text, moment, draw, (written, now, drawn) => {
      const key = newLineKey(written, now, drawn);
      expect(key.startsWith(lineRange.prefix)).toBe(true);
      expect(textOf(key)).toBe(written.slice(0, maxLineLength));
    }),
  );
  expect(['line/', 'line/short/text', 'register/a'].map(textOf)).toEqual([undefined, undefined, undefined]);
});

it('stands in the order in which lines were made', () => {
  fc.assert(
    fc.property(moment, moment, draw, draw, (one, other, a, b) => {
      fc.pre(one !== other);
      expect(newLineKey('b', one, a) < newLineKey('a', other, b)).toBe(one < other);
    }),
  );
});

it('names who wrote it, if that is said', () => {
  expect([{ by: 'ash-10' }, { by: 1 }, null, undefined, 'text'].map((value) => writerOf({ value }))).toEqual([
    'ash-10',
    '',
    '',
    '',
    '',
  ]);
});

it('is to be decided about once it ended badly and is kept', () => {
  const state = { error: undefined, revision: undefined };
  expect(isUndecided({ ...state, status: 'refused', kept: true })).toBe(true);
  expect(isUndecided({ ...state, status: 'unknown', kept: true })).toBe(true);
  expect(isUndecided({ ...state, status: 'local', kept: true })).toBe(false);
  expect(isUndecided({ ...state, status: 'refused', kept: false })).toBe(false);
});

it('says what happened to it, and offers no second time what is there', () => {
  const of = (status: 'refused' | 'unknown', code: ConstructorParameters<typeof RaftkvError>[0], isThere = false) =>
    decisionOn({ status, error: new RaftkvError(code, 'no') }, isThere);
  expect(of('refused', 'wrong_cluster')).toEqual({
    why: expect.stringContaining('It waited when the room went on'),
    again: 'Write it in this room',
    drop: 'Drop it',
  });
  expect(of('unknown', 'wrong_cluster').why).toContain('It was on its way when the room went on');
  expect(of('unknown', 'wrong_cluster', true)).toMatchObject({ again: undefined, drop: 'All right' });
  expect(of('refused', 'timeout')).toMatchObject({
    why: 'It was not written: no answer came in time.',
    again: 'Write it again',
  });
  expect(of('unknown', 'session_expired').why).toContain('Nobody can tell whether it was written');
});
