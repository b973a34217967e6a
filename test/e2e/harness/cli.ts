// Runs the command line as a user does: a process, its standard input, what it prints and its exit code.
import { spawn } from 'node:child_process';
import { binPath } from './node-process.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** SIGKILL after this time. Default 30 s. */
  readonly timeoutMilliseconds?: number;
  /** Ends the command (SIGINT) once its output satisfies this: for `watch`. */
  readonly until?: (stdout: string) => boolean;
  /** SIGKILL when it is aborted. */
  readonly killOn?: AbortSignal;
  /** Called with all output so far whenever there is more. */
  readonly onOutput?: (stdout: string) => void;
}

/** Runs `raftkv` with the arguments and waits for its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [binPath, ...args], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMilliseconds ?? 120_000);
    options.killOn?.addEventListener('abort', () => child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onOutput?.(stdout);
      if (options.until?.(stdout) === true) child.kill('SIGINT');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
    // A command that does not read its input may have closed it: that is its right.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** What a refused command prints: one line on stderr, no stack, and not much else. */
export function isOneErrorLine(stderr: string): boolean {
  const lines = stderr.trimEnd().split('\n');
  return lines.length === 1 && lines[0]!.length > 5 && !/^\s+at /m.test(stderr);
}
