// One real server process: spawned, watched, signalled and reaped. What it prints is kept (the end of it) for the message of
// a failed test. Ports, peers and clusters are the business of cluster.ts.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const binPath = fileURLToPath(new URL('../../../packages/raftkv/bin/raftkv.js', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly name: string;
  /** Arguments after `raftkv`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the server in its own process, so that its pid and exit are the server's: `strace -D …`. */
  readonly wrapper?: readonly string[];
}

const MAX_KEPT_BYTES = 256 * 1024;
const running = new Set<NodeProcess>();

// A test run that dies must not leave servers behind.
process.on('exit', () => {
  for (const server of running) server.signal('SIGKILL');
});

/** A started process. `ready` and `exited` may be awaited at any time, also after the fact. */
export class NodeProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when stdout has a line with `ready`; rejects with the log when the process exits before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  exit: Exit | undefined;
  private readonly child: ChildProcess;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    const [command, ...args] = [...(options.wrapper ?? []), process.execPath, binPath, ...options.args];
    this.child = spawn(command!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    });
    if (this.child.pid === undefined) throw new Error(`cannot start ${command}: is it installed?`);
    this.pid = this.child.pid;
    running.add(this);
    const { promise: ready, resolve: becomeReady, reject: failReady } = promiseParts<void>();
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = keepEnd(this.stdout + text);
      if (/\bready\b/.test(this.stdout)) becomeReady();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = keepEnd(this.stderr + text);
    });
    this.exited = new Promise((resolve) => {
      // `close` comes after the pipes have ended, so the log is whole.
      this.child.on('close', (code, signal) => {
        running.delete(this);
        this.exit = { code, signal };
        failReady(new Error(`${this.name} exited (${code ?? signal}) before it was ready\n${this.logTail()}`));
        resolve(this.exit);
      });
    });
    this.ready = ready;
    // A process that nobody awaits (killed on purpose) must not fail the run.
    this.ready.catch(() => undefined);
  }

  /** Sends a signal if the process still runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit === undefined) process.kill(this.pid, signal);
  }

  /** What it logged: the JSON lines of stderr that parse. */
  logLines(): Record<string, unknown>[] {
    return this.stderr.split('\n').flatMap((line) => {
      try {
        const parsed: unknown = JSON.parse(line);
        return typeof parsed === 'object' && parsed !== null ? [parsed as Record<string, unknown>] : [];
      } catch {
        return [];
      }
    });
  }

  /** The last lines of both streams, for people. */
  logTail(lineCount = 25): string {
    const tail = (text: string): string => text.trimEnd().split('\n').slice(-lineCount).join('\n');
    return `--- ${this.name} (pid ${this.pid}) stdout ---\n${tail(this.stdout)}\n--- ${this.name} stderr ---\n${tail(this.stderr)}\n`;
  }
}

function keepEnd(text: string): string {
  return text.length > MAX_KEPT_BYTES ? text.slice(-MAX_KEPT_BYTES / 2) : text;
}

function promiseParts<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
