// Doctored recordings: a small right one, and for each way of breaking a promise the same with that one thing changed. Every change is
// named by the promise that it breaks; right recordings at length are in checkers.test.ts, watches in watch.test.ts.
import { Store } from '@raftkv/kv';
import type { CommandErrorCode, SessionStamp } from '@raftkv/kv';
import { describe, expect, it } from 'vitest';
import { all, bytes, expectBroken, put, recording } from './doctored-recording.ts';
import { checkDurability, checkExactlyOnce } from './exactly-once.ts';
import type { Answer, AppliedEntry, ClientOperation, Write } from './history.ts';
import { checkLinearizableByLog } from './linearizable-log.ts';
import { truthOfLog } from './log-truth.ts';
import { checkSessions } from './session-guarantees.ts';
import type { Verdict } from './verdict.ts';

const right = recording();
/** Four operations for each write: the write, then the reads of b, c and a. */
const at = (write: number, which: 'write' | 'b' | 'c' | 'a'): number =>
  (write - 1) * 4 + ['write', 'b', 'c', 'a'].indexOf(which);

function changed(index: number, change: (operation: ClientOperation) => Partial<ClientOperation>): ClientOperation[] {
  return right.operations.map((each, place) => (place === index ? { ...each, ...change(each) } : each));
}
const answering = (index: number, change: object): ClientOperation[] =>
  changed(index, ({ answer }) => ({ answer: { ...answer, ...change } as Answer }));
const answerOf = (index: number): Answer => right.operations[index]!.answer!;
/** Called and returned when everything else is over. */
const later = (operation: Partial<ClientOperation>): ClientOperation[] => [
  ...right.operations,
  {
    client: 'd',
    call: 900,
    ret: 901,
    outcome: 'answered',
    request: { type: 'get', key: 'k' },
    ...operation,
  } as ClientOperation,
];

const linearizable = (operations: readonly ClientOperation[], log = right.log): Verdict =>
  checkLinearizableByLog(operations, truthOfLog(log));
const sessions = (operations: readonly ClientOperation[]): Verdict =>
  checkSessions(operations, truthOfLog(right.log).truth);
const once = (operations: readonly ClientOperation[], log = right.log): Verdict =>
  checkExactlyOnce(operations, truthOfLog(log), { isComplete: true });
const scanned = right.store.scan(all);
const entries = 'entries' in scanned ? scanned.entries : [];
const durable = (operations: readonly ClientOperation[], held = entries, revision = 6): Verdict =>
  checkDurability(operations, truthOfLog(right.log), [{ holder: 'n1', revision, entries: held }]);

it('the recording itself is right', () => {
  const verdicts = [linearizable, sessions, once, durable].map((check) => check(right.operations).explanation);
  expect(verdicts).toEqual(['', '', '', '']);
});

describe('linearizability is broken', () => {
  const retry = right.log.findIndex(({ index }) => index === 4);
  const cases: Record<string, () => Verdict> = {
    'by a stale read': () => linearizable(changed(at(3, 'b'), () => ({ answer: answerOf(at(1, 'b')) }))),
    'by a stale read that tells no revision': () =>
      linearizable(answering(at(3, 'b'), { revision: undefined, entry: { value: bytes('one') } }).map(dropRevision)),
    'by a read of what is not written yet': () =>
      linearizable(changed(at(1, 'b'), () => ({ answer: answerOf(at(3, 'b')) }))),
    'by a read of what was never written': () =>
      linearizable(answering(at(3, 'b'), { entry: { key: 'k', value: bytes('six') } })),
    'by a read that finds nothing': () => linearizable(answering(at(3, 'b'), { entry: undefined })),
    'by a scan that mixes two revisions': () =>
      linearizable(
        later({
          request: { type: 'scan', range: all },
          answer: { type: 'scan', entries: [{ value: bytes('two') }, { value: bytes('four') }] },
        }),
      ),
    'by a scan that lacks a key': () =>
      linearizable(
        later({ request: { type: 'scan', range: all }, answer: { type: 'scan', entries: entries.slice(1) } }),
      ),
    'by a write that is acknowledged and not in the log': () =>
      linearizable(later({ request: put('k', 'lost'), answer: { type: 'put', revision: 7 } })),
    'by two writes that claim one revision': () =>
      linearizable(later({ request: put('k', 'three'), answer: { type: 'put', revision: 4 } })),
    'by a write that took effect before it was called': () =>
      linearizable(changed(at(3, 'write'), () => ({ call: 902, ret: 903 }))),
    'by one of unknown outcome that took effect before it was called': () =>
      linearizable(changed(at(3, 'write'), () => ({ call: 902, ret: null, outcome: 'unknown' }))),
    'by two of unknown outcome, one of which took effect before either was called': () =>
      linearizable(twiceUnknown(902)),
    'by a wrong word on what was there before': () => linearizable(answering(at(4, 'write'), { previous: [] })),
    'by a delete that says it found nothing': () => linearizable(answering(at(4, 'write'), { deleted: 0 })),
    'by writes in another order than in real time': () => {
      const log = [...right.log];
      const [one, two] = [log[1]!, log[2]!];
      log[1] = { ...two, index: one.index, result: { ...two.result, revision: 2 } as never, revision: 2 };
      log[2] = { ...one, index: two.index, result: { ...one.result, revision: 3 } as never, revision: 3 };
      log.splice(retry, 0);
      const operations = right.operations.map((each) => (each.answer?.type === 'put' ? dropRevision(each) : each));
      return linearizable(operations, log.slice(0, 3));
    },
    'by a condition that was judged on an old state': () => {
      const request: Write = {
        type: 'txn',
        compare: [{ key: 'k', operator: 'equal', target: 'revision', number: 4 }],
        then: [put('k', 'seven')],
        otherwise: [],
      };
      return linearizable(later({ request, answer: { type: 'txn', succeeded: true, revision: 7 } }));
    },
  };
  for (const [how, judge] of Object.entries(cases)) it(`${how}`, () => expectBroken(judge(), 'linearizability'));
});

/** The third write is asked for twice, never answered, and takes effect once; the second time long after that. */
function twiceUnknown(firstCall: number): ClientOperation[] {
  const lost = { ret: null, outcome: 'unknown' } as const;
  const operations = changed(at(3, 'write'), () => ({ ...lost, call: firstCall }));
  return [...operations, { ...operations[at(3, 'write')]!, call: 904 }];
}

it('one of unknown outcome that is asked for again may have taken effect the first time', () => {
  const { call } = right.operations[at(3, 'write')]!;
  expect(linearizable(twiceUnknown(call)).explanation).toBe('');
});

function dropRevision(operation: ClientOperation): ClientOperation {
  const { revision: _, ...answer } = operation.answer!;
  return { ...operation, answer: answer as Answer };
}

describe('exactly once is broken', () => {
  const second = right.log[2]!;
  const doubled = (stamped: boolean): AppliedEntry[] => {
    const store = new Store();
    return [...right.log, { ...second, index: 99 }].map((entry, place) => {
      const isLast = place === right.log.length;
      const envelope = isLast || !stamped ? { ...entry.envelope, session: undefined } : entry.envelope;
      const result = store.apply(entry.index, envelope);
      return {
        index: entry.index,
        envelope: isLast && stamped ? second.envelope : entry.envelope,
        result,
        revision: store.revision,
      };
    });
  };
  const cases: Record<string, () => Verdict> = {
    'by a retry that is carried out again': () => once(right.operations, doubled(true)),
    'by every retry, in a store without sessions': () => once(right.operations, doubled(false)),
    'by a command that is in the log under two stamps': () => {
      const session = { clientId: 1, sequence: 77, ackFloor: 0 };
      const store = new Store();
      const log = [...right.log, { ...second, index: 99, envelope: { ...second.envelope, session } }];
      return once(
        right.operations,
        log.map(({ index, envelope }) => ({
          index,
          envelope,
          result: store.apply(index, envelope),
          revision: store.revision,
        })),
      );
    },
    'by an acknowledged write that is not in the log': () => once(right.operations, right.log.slice(0, -1)),
    'by a refused write that took effect': () => once(changed(at(3, 'write'), () => ({ outcome: 'refused' }))),
    'by a refused write without a stamp that took effect': () =>
      once(changed(at(3, 'write'), () => ({ outcome: 'refused', stamp: undefined }) as never)),
    'by another command under the stamp': () => once(changed(at(3, 'write'), () => ({ request: put('k', 'other') }))),
    'by another answer than the first': () =>
      once(
        right.operations,
        right.log.map((entry) => (entry.index === 4 ? { ...entry, result: { type: 'put', revision: 9 } } : entry)),
      ),
    'by an answer that the log does not have': () => once(answering(at(3, 'write'), { revision: 3 })),
    'by a write that nobody asked for': () => once(right.operations.filter((_, place) => place !== at(3, 'write'))),
    ...refusals(),
    'by a log that goes back': () => once(right.operations, [...right.log, right.log[3]!]),
    'by a store that answers wrongly': () =>
      once(
        right.operations,
        right.log.map((entry) =>
          entry.index === 6 ? { ...entry, result: { type: 'delete', revision: 5, deleted: 2 } } : entry,
        ),
      ),
  };
  for (const [how, judge] of Object.entries(cases)) it(`${how}`, () => expectBroken(judge(), 'exactly once'));
});

/** Each answers with an error where the log shows no reason for one, or with none where it does. */
function refusals(): Record<string, () => Verdict> {
  const refusing = (index: number, code: CommandErrorCode): AppliedEntry[] =>
    right.log.slice(0, index).map((entry) => {
      if (entry.index !== index) return entry;
      return { ...entry, result: { type: 'error', code, message: 'no' }, revision: entry.revision - 1 };
    });
  const lone = (code: CommandErrorCode) => () => once(right.operations.slice(0, at(5, 'write')), refusing(7, code));
  /** What is appended to the right log, as a store without this rule would answer. */
  const allowing = (command: Write, session?: SessionStamp) => (): Verdict => {
    const entry = { index: 99, envelope: { session, command }, revision: right.store.revision };
    return once(right.operations, [...right.log, { ...entry, result: { type: 'compact', revision: 6 } }]);
  };
  const compact: Write = { type: 'compact', revision: 2 };
  return {
    'by a session that is said to be gone': lone('session_expired'),
    'by a sequence that is said to be acknowledged': lone('session_stale'),
    'by a session that is said to be full': lone('session_overflow'),
    'by a write that is said to name a forgotten revision': lone('compacted'),
    'by a write that is said to name a revision to come': lone('future_revision'),
    'by a write that is said to write a key twice': lone('duplicate_key'),
    'by a write that is said to be malformed': lone('invalid_argument'),
    'by a session that is not opened': () => once([], refusing(1, 'session_expired')),
    'by a session that is given another number': () =>
      once([], [{ ...right.log[0]!, result: { type: 'session', clientId: 9 } }]),
    'by a write under a session that there is not': allowing(compact, { clientId: 9, sequence: 1, ackFloor: 0 }),
    'by a retry of what was acknowledged': () => {
      const session = { clientId: 1, sequence: 1, ackFloor: 1 };
      const { command } = right.log[1]!.envelope;
      const entry: AppliedEntry = {
        index: 99,
        envelope: { session, command },
        result: right.log[1]!.result,
        revision: 6,
      };
      return once(right.operations, [...right.log, entry]);
    },
    'by forgetting what is yet to come': allowing({ type: 'compact', revision: 7 }),
    'by forgetting what is forgotten': () => {
      const done: AppliedEntry = {
        index: 98,
        envelope: { session: undefined, command: compact },
        revision: 6,
        result: { type: 'compact', revision: 6 },
      };
      return once(right.operations, [...right.log, done, { ...done, index: 99 }]);
    },
  };
}

describe('durability is broken', () => {
  const [j, k] = [entries[0]!, entries[1]!];
  const cases: Record<string, () => Verdict> = {
    'by an acknowledged write that is not there': () => durable(right.operations, [j]),
    'by an older value': () => durable(right.operations, [j, { ...k, value: bytes('three'), revision: 4 }]),
    'by another value of that revision': () => durable(right.operations, [j, { ...k, value: bytes('other') }]),
    'by a key that came back': () => durable(right.operations, [j, k, { ...j, key: 'z' }]),
    'by a store that ends too early': () => durable(right.operations, entries, 5),
    'by a store beyond the log': () => durable(right.operations, entries, 7),
    'by an acknowledged revision of another write': () => durable(answering(at(3, 'write'), { revision: 3 })),
  };
  for (const [how, judge] of Object.entries(cases)) it(`${how}`, () => expectBroken(judge(), 'durability'));
});

describe('session guarantees are broken', () => {
  const cases: [how: string, promise: string, judge: () => Verdict][] = [
    [
      'by a caller that does not read its own write',
      'session reads',
      () => sessions(changed(at(4, 'a'), () => ({ answer: answerOf(at(3, 'a')) }))),
    ],
    [
      'by the same without a revision',
      'session reads',
      () =>
        sessions(
          changed(at(4, 'a'), () => ({ answer: answerOf(at(3, 'a')) })).map((each, place) =>
            place === at(4, 'a') ? dropRevision(each) : each,
          ),
        ),
    ],
    [
      'by a caller that sees less than it has seen',
      'session reads',
      () => sessions(changed(at(5, 'b'), () => ({ level: 'session', answer: answerOf(at(2, 'b')) }))),
    ],
    [
      'by a write before what its caller had seen',
      'writes follow reads',
      () => sessions(changed(at(5, 'write'), () => ({ answer: { type: 'batch', revision: 4 } }))),
    ],
    [
      'by a copy that goes back',
      'a copy never goes back',
      () => sessions(changed(at(5, 'c'), () => ({ answer: answerOf(at(2, 'c')) }))),
    ],
    [
      'by the same without a revision',
      'a copy never goes back',
      () =>
        sessions(
          changed(at(5, 'c'), () => ({ answer: answerOf(at(2, 'c')) })).map((each, place) =>
            place === at(5, 'c') ? dropRevision(each) : each,
          ),
        ),
    ],
    ['by content that no revision had', 'content', () => sessions(answering(at(3, 'c'), { entries: [entries[0]!] }))],
    ['by content of another revision than it says', 'content', () => sessions(answering(at(3, 'c'), { revision: 5 }))],
    ['by a revision that there is not', 'content', () => sessions(answering(at(5, 'c'), { revision: 9 }))],
  ];
  for (const [how, promise, judge] of cases) it(`${how}`, () => expectBroken(judge(), promise));

  it('and a copy that has another life may begin anywhere', () => {
    const operations = changed(at(5, 'c'), () => ({ copy: 'another life', answer: answerOf(at(2, 'c')), client: 'e' }));
    expect(sessions(operations).explanation).toBe('');
  });
});
