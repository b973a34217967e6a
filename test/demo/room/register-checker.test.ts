// The checker that runs in the page: right histories pass, however they are told; each kind of wrong one is caught and named; and it agrees with a slow twin
// that tries every order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kv } from 'raftkv';
import type { Operation, Outcome } from '../../../demo/src/room/checker/operation.ts';
import { describeOperation } from '../../../demo/src/room/checker/operation.ts';
import { Workload } from '../../../demo/src/room/checker/workload.ts';
import { RegisterChecker } from '../../../demo/src/room/checker/register-checker.ts';

let last = 0;
function operation(call: number, end: number, outcome: Outcome, key = 'x'): Operation {
  return { id: `${(last += 1)}`, client: 'ash', key, call, end, outcome };
}
const wrote = (revision: number, value = `ash:${revision}`, after?: number): Outcome =>
  after === undefined ? { type: 'write', value, revision } : { type: 'write', value, revision, after };
const read = (
  revision: number,
  value: string | undefined = revision === 0 ? undefined : `ash:${revision}`,
): Outcome => ({
  type: 'read',
  value,
  revision,
});

function rulesOf(...history: Operation[]): string[] {
  const checker = new RegisterChecker();
  return history.flatMap((each) => checker.add(each).map(({ rule }) => rule));
}

describe('a history that is right', () => {
  it('passes, with operations that overlap in any order', () => {
    expect(
      rulesOf(
        operation(0, 10, read(0)),
        operation(1, 20, wrote(1)),
        operation(5, 30, read(1)),
        operation(6, 31, read(0)),
        operation(32, 40, wrote(2, 'ash:2', 1)),
        operation(33, 41, read(1)),
        operation(42, 50, read(2)),
        operation(42, 50, wrote(3), 'y'),
      ),
    ).toEqual([]);
  });

  it('passes when others tell of their part late', () => {
    expect(rulesOf(operation(20, 30, read(2)), operation(0, 5, wrote(1)), operation(6, 9, wrote(2)))).toEqual([]);
  });

  it('passes with values that the same tab wrote in an earlier life', async () => {
    const checker = new RegisterChecker();
    const life = () => {
      const announced: string[] = [];
      const workload = new Workload({
        client: 'ash',
        kv: () => undefined,
        now: () => 0,
        onAnnounce: (value) => announced.push(value),
        onOperation: () => undefined,
      });
      return { workload, announced };
    };
    const [before, now] = [life(), life()];
    const kv = { put: async () => 1 } as unknown as Kv;
    for (const { workload } of [before, before, now]) await workload.put(kv, 'x');
    checker.announce(now.announced[0]!);
    expect(checker.add(operation(0, 1, read(7, before.announced[1])))).toEqual([]);
    const next = now.announced[0]!.replace(/1$/, '2');
    expect(checker.add(operation(2, 3, read(8, next))).map(({ rule }) => rule)).toEqual(['unwritten']);
  });

  it('passes with writes without an answer, whether they happened or not', () => {
    const lost: Outcome = { type: 'unknown', value: 'ash:lost' };
    const late: Outcome = { type: 'unknown', value: 'ash:late' };
    expect(
      rulesOf(
        operation(0, 5, lost),
        operation(0, 5, late),
        operation(6, 9, wrote(1)),
        operation(10, 20, read(2, 'ash:late')),
        operation(21, 22, wrote(3, 'ash:3', 2)),
      ),
    ).toEqual([]);
  });
});

describe('a history that was doctored', () => {
  it.each<[string, string, Operation[]]>([
    [
      'an acknowledged write that a later read does not find',
      'stale',
      [operation(0, 1, wrote(5)), operation(2, 3, read(4))],
    ],
    ['one that vanished altogether', 'stale', [operation(0, 1, wrote(5)), operation(2, 3, read(0))]],
    ['a read behind an earlier read', 'stale', [operation(0, 1, read(5)), operation(2, 3, read(4))]],
    ['the same, told in the other order', 'stale', [operation(2, 3, read(4)), operation(0, 1, read(5))]],
    ['a later write at an older revision', 'reordered', [operation(0, 1, wrote(5)), operation(2, 3, wrote(4))]],
    ['a revision given twice', 'twice', [operation(0, 9, wrote(5, 'ash:a')), operation(1, 9, wrote(5, 'ash:b'))]],
    ['a revision whose value changed', 'changed', [operation(0, 9, wrote(5)), operation(1, 9, read(5, 'ash:b'))]],
    ['a read of what is written later', 'future', [operation(0, 1, read(5)), operation(2, 3, wrote(5))]],
    [
      'a compare-and-set that did not see a write',
      'lost-update',
      [operation(0, 9, wrote(5)), operation(1, 9, wrote(6, 'ash:6', 4))],
    ],
    [
      'the same, told in the other order',
      'lost-update',
      [operation(1, 9, wrote(6, 'ash:6', 4)), operation(0, 9, wrote(5))],
    ],
  ])('is caught: %s', (_, rule, history) => {
    expect(rulesOf(...history)).toEqual([rule]);
  });

  it('is caught when two keys were given one revision, or the wrong order', () => {
    const far = { ...operation(1, 9, wrote(5, 'ash:b')), key: 'y' };
    expect(rulesOf(operation(0, 9, wrote(5, 'ash:a')), far)).toEqual(['twice']);
    expect(rulesOf(operation(0, 1, wrote(5)), { ...operation(2, 3, wrote(4)), key: 'y' })).toEqual(['reordered']);
  });

  it('is caught when a value was never written', () => {
    const checker = new RegisterChecker();
    checker.announce('ash:1');
    expect(checker.add(operation(0, 1, read(1, 'ash:1')))).toEqual([]);
    expect(checker.add(operation(2, 3, read(2, 'ash:2'))).map(({ rule }) => rule)).toEqual(['unwritten']);
    // Of others it does not know what they write.
    expect(checker.add(operation(4, 5, read(3, 'birch:1')))).toEqual([]);
  });

  it('is caught when a write without an answer shows up and goes again', () => {
    expect(
      rulesOf(
        operation(0, 5, { type: 'unknown', value: 'ash:u' }),
        operation(6, 9, read(3, 'ash:u')),
        operation(10, 11, read(2)),
      ),
    ).toEqual(['stale']);
  });

  it('is caught long after the operation was forgotten', () => {
    const checker = new RegisterChecker({ window: 10 });
    for (let at = 1; at <= 100; at += 1) checker.add(operation(at * 10, at * 10 + 1, wrote(at)));
    expect(checker.add(operation(2000, 2001, read(7))).map(({ rule }) => rule)).toEqual(['stale']);
    expect(checker.count).toEqual({ operations: 101, unknown: 0, violations: 1 });
  });

  it('is counted in full and kept in part', () => {
    const checker = new RegisterChecker({ maxViolations: 2 });
    checker.add(operation(0, 1, wrote(9)));
    for (let at = 0; at < 5; at += 1) checker.add(operation(10 + at, 10 + at, read(1)));
    expect(checker.count.violations).toBe(5);
    expect(checker.violations).toHaveLength(2);
    expect(describeOperation(checker.violations[0]!.operations[0]!)).toContain('acknowledged at revision 9');
  });
});

/** Whether some order that agrees with time explains what one register answered. Tries them all. */
function isLinearizable(history: readonly Operation[], revision = 0, value?: string): boolean {
  if (history.length === 0) return true;
  return history.some((next) => {
    if (history.some((other) => other !== next && other.end < next.call)) return false;
    const rest = history.filter((other) => other !== next);
    const { outcome } = next;
    if (outcome.type === 'read') {
      return outcome.revision === revision && outcome.value === value && isLinearizable(rest, revision, value);
    }
    if (outcome.type === 'unknown') throw new Error('not drawn here');
    const fits = outcome.revision > revision && (outcome.after === undefined || outcome.after === revision);
    return fits && isLinearizable(rest, outcome.revision, outcome.value);
  });
}

describe('the twin', () => {
  it('comes to the same verdict on small histories of one register', () => {
    const drawn = fc.array(
      fc.record({
        call: fc.integer({ min: 0, max: 20 }),
        length: fc.integer({ min: 0, max: 8 }),
        revision: fc.integer({ min: 1, max: 4 }),
        kind: fc.constantFrom('write', 'swap', 'read'),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const verdicts = { right: 0, wrong: 0 };
    fc.assert(
      fc.property(drawn, (draws) => {
        const written = new Set(draws.filter(({ kind }) => kind !== 'read').map(({ revision }) => revision));
        const history = draws
          // A read of a revision that no write of this history made is about another history.
          .filter(({ kind, revision }) => kind !== 'read' || written.has(revision))
          .map(({ call, length, revision, kind }) => {
            const outcome =
              kind === 'read'
                ? read(revision)
                : kind === 'swap'
                  ? wrote(revision, undefined, revision - 1)
                  : wrote(revision);
            // A compare-and-set can only have found what is there.
            const isPossible = kind !== 'swap' || revision === 1 || written.has(revision - 1);
            return operation(call, call + length, isPossible ? outcome : wrote(revision));
          });
        const isRight = isLinearizable(history);
        verdicts[isRight ? 'right' : 'wrong'] += 1;
        expect(rulesOf(...history).length === 0).toBe(isRight);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(verdicts.right, verdicts.wrong)).toBeGreaterThan(100);
  });
});
