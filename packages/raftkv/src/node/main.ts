// The process of the command line: hands the arguments to the program and turns its outcome into an exit code.
// 0 done, 1 refused or not found, 2 usage. An error is one line on stderr, never a stack trace.
import { RaftkvError } from '@raftkv/wire';
import { runProgram } from './cli/program.ts';

/** Commands after whose failure one must ask whether something was written. */
const writing: ReadonlySet<string> = new Set([
  ...['put', 'del', 'batch', 'txn', 'import', 'bench'],
  ...['member', 'transfer-leader', 'join'],
]);

// A reader that has seen enough (`raftkv scan … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

// Nor is one that does not want to hear of errors or progress.
process.stderr.on('error', () => undefined);

try {
  process.exitCode = await runProgram(process.argv.slice(2));
} catch (error) {
  const failure = RaftkvError.from(error);
  const hint = failure.definite || !writing.has(process.argv[2] ?? '') ? '' : ' (it may have happened)';
  // A message may quote a key or a line of a file: it stays one line, and cannot steer the terminal.
  const message = failure.message.replace(/\p{Cc}+/gu, ' ');
  process.stderr.write(`raftkv: ${message} [${failure.code}]${hint}\n`);
  if (process.env.RAFTKV_DEBUG === '1') process.stderr.write(`${failure.stack}\n${String(failure.cause ?? '')}\n`);
  process.exitCode = failure.code === 'config_invalid' || failure.code === 'invalid_argument' ? 2 : 1;
}
