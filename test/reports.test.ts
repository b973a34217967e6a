// How `npm test` reads the report of a suite, on reports as vitest writes them.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Reports {
  readReport(
    text: string,
    root: string,
  ): { readonly counts: object; readonly failures: readonly string[]; readonly late: readonly string[] };
}

const { readReport } = (await import(join(import.meta.dirname, 'reports.mjs'))) as Reports;

function report(...testResults: object[]): string {
  return JSON.stringify({ numPassedTests: 3, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1, testResults });
}

const passed = { ancestorTitles: [], title: 'passes', status: 'passed', failureMessages: [] };

it('counts, and names each test that failed with its line, its titles and the first line of its error', () => {
  const name = '/place/test/a.test.ts';
  const failureMessages = [
    `\u001B[31mError: not\u001B[39m two\nCall log:\n    at helper (/place/test/h.ts:9:1)\n    at ${name}:12:5`,
  ];
  const failed = { ancestorTitles: ['a store', 'that is open'], title: 'holds two', status: 'failed', failureMessages };
  const text = report({ name, status: 'failed', message: '', assertionResults: [passed, failed] });
  expect(readReport(text, '/place')).toEqual({
    counts: { passed: 3, failed: 2, skipped: 2 },
    failures: ['test/a.test.ts:12 > a store > that is open > holds two: Error: not two'],
    late: [],
  });
});

it('names a file that failed as a whole, and none that passed', () => {
  const broken = {
    name: '/place/b.test.ts',
    status: 'failed',
    message: 'Error: no browser\nat x',
    assertionResults: [],
  };
  const fine = { name: '/place/c.test.ts', status: 'passed', message: '', assertionResults: [passed] };
  expect(readReport(report(broken, fine), '/place').failures).toEqual(['b.test.ts: Error: no browser']);
});

it('names a file in which a hook failed, so that some did not run', () => {
  const left = { ...passed, title: 'never ran', status: 'skipped' };
  const text = report({ name: '/e.test.ts', status: 'failed', message: '', assertionResults: [passed, left, left] });
  expect(readReport(text, '/').failures).toEqual(['e.test.ts: 2 did not run: why is above']);
});

describe('files of which nothing failed but to come in time', () => {
  const failing = (name: string, ...messages: string[]): object => {
    const assertionResults = messages.map((message) => ({
      ...passed,
      status: 'failed',
      failureMessages: [`${message}\n    at ${name}:1:1`],
    }));
    return { name, status: 'failed', message: '', assertionResults: [passed, ...assertionResults] };
  };
  const lateIn = (...files: object[]): readonly string[] => readReport(report(...files), '/').late;

  it.each([
    'Error: waited 20000 ms in vain: a leader',
    'Error: not within 15000 ms: dev ends',
    'Error: Test timed out in 180000ms.',
    'TimeoutError: page.waitForFunction: Timeout 30000ms exceeded.',
    'TimeoutError: Waiting failed: 90000ms exceeded',
    // Of Playwright, without a name; of vitest when a test's own time is over; and of what it polls.
    'locator.waitFor: Timeout 90000ms exceeded.\nCall log:',
    'Error: STACK_TRACE_ERROR',
    'Error: expected 1 to be 2 // Object.is equality\n    at Proxy.__VITEST_POLL_CHAIN__ (file:///x/vitest.js:1:1)',
  ])('are those that say %s', (message) => {
    expect(lateIn(failing('/a.test.ts', message, message))).toEqual(['a.test.ts']);
  });

  it('are none when anything was wrong, in one of them or in another', () => {
    const [late, wrong] = ['Error: waited 1 ms in vain: it', 'AssertionError: expected 1 to be 2'];
    expect(lateIn(failing('/a.test.ts', late, wrong))).toEqual([]);
    expect(lateIn(failing('/a.test.ts', late), failing('/b.test.ts', wrong))).toEqual([]);
    expect(lateIn(failing('/a.test.ts', `Error: history is not linearizable: ${late}`))).toEqual([]);
  });

  it('are none when a hook failed, or the file as a whole', () => {
    const left = { ...passed, title: 'never ran', status: 'skipped' };
    const file = { name: '/e.test.ts', status: 'failed', message: 'Error: waited 1 ms in vain: it' };
    expect(lateIn({ ...file, assertionResults: [passed, left] })).toEqual([]);
    expect(lateIn({ ...file, assertionResults: [] })).toEqual([]);
  });
});

it('bounds what it says of one', () => {
  const failureMessages = [`Error: ${'x'.repeat(5_000)}`];
  const failed = { ancestorTitles: [], title: 'long', status: 'failed', failureMessages };
  const [line] = readReport(report({ name: '/d.test.ts', status: 'failed', assertionResults: [failed] }), '/').failures;
  expect(line).toMatch(/^d\.test\.ts > long: Error: x{293}…$/);
});
