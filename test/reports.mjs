// What vitest's JSON report of a suite says, in short: how many tests passed, failed and were skipped, and which failed, where and why. `run.mjs` asks, and
// says it in its last lines, where a log that was cut still has it.
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** `text`: of the report. `root`: the files are named from there. `late`: the files that failed, if all that failed in any of them ran out of time. */
export function readReport(text, root) {
  const read = JSON.parse(text);
  const counts = {
    passed: read.numPassedTests,
    failed: read.numFailedTests,
    skipped: read.numPendingTests + read.numTodoTests,
  };
  const failing = read.testResults.filter(({ status }) => status === 'failed');
  const failures = read.testResults.flatMap((file) => failuresOf(file, relative(root, file.name)));
  const late = failing.every((file) => isLate(file)) ? failing.map(({ name }) => relative(root, name)) : [];
  return { counts, failures, late };
}

/**
 * How what came too late begins: of the suites' own waiting, of vitest (which reports a test whose time was over without its message), of Playwright, which
 * leaves the name of its errors out, and of Puppeteer.
 */
const outOfTime =
  /^(Error: (waited \d+ ms in vain|not within \d+ ms|STACK_TRACE_ERROR|(Test|Hook) timed out in \d+ms)|TimeoutError: |[\w.]+: Timeout \d+ms exceeded)/;
/** In what `expect.poll` fails with: it saw something else until its time was over. */
const polled = '__VITEST_POLL_CHAIN__';

/** Nothing in it was wrong; something had not come in time. */
function isLate({ assertionResults }) {
  const failed = assertionResults.filter((test) => test.status !== 'passed');
  const cameLate = (message) => outOfTime.test(firstLine(message)) || message.includes(polled);
  return (
    failed.length > 0 &&
    failed.every(({ failureMessages }) => failureMessages.length > 0 && failureMessages.every(cameLate))
  );
}

/** A line for each test that failed; and one for a file of which something else did: a hook, or what is there before the tests. */
function failuresOf({ name, status, message, assertionResults }, file) {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  const lines = failed.map(({ ancestorTitles, title, failureMessages }) => {
    const [failure = ''] = failureMessages;
    const titles = [...ancestorTitles, title].join(' > ');
    return `${file}${lineIn(failure, name)} > ${titles}: ${firstLine(failure)}`;
  });
  const left = assertionResults.filter((test) => test.status !== 'failed' && test.status !== 'passed').length;
  if (left > 0) lines.push(`${file}: ${left} did not run: ${firstLine(message)}`);
  return status === 'failed' && lines.length === 0 ? [`${file}: ${firstLine(message)}`] : lines;
}

/** Where in the test's own file it went wrong, as `:line`. */
function lineIn(failure, path) {
  const at = failure.indexOf(`${path}:`);
  const [line = ''] = at < 0 ? [] : (/^\d+/.exec(failure.slice(at + path.length + 1)) ?? []);
  return line === '' ? '' : `:${line}`;
}

const maxCharacters = 300;

function firstLine(failure = '') {
  const [line = ''] = stripVTControlCharacters(failure).trim().split('\n');
  return line.length > maxCharacters ? `${line.slice(0, maxCharacters)}…` : line || 'why is above';
}
