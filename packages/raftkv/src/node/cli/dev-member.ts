// One member under `raftkv dev`: a process of its own that is started, stopped, killed, paused and started again, and what there is to say of
// it at any moment. Who asks for these is not its business; the command and the control API do.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { RaftkvError } from '@raftkv/wire';

const defaultBinary = fileURLToPath(new URL('../../../bin/raftkv.js', import.meta.url));
/** After that, a member that was asked to stop is killed. */
const stopMilliseconds = 10_000;

/** `failed`: it ended by itself. */
export type MemberState = 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'killed' | 'failed';

export const memberActions = ['stop', 'kill', 'pause', 'resume', 'start', 'restart'] as const;
export type MemberAction = (typeof memberActions)[number];

export interface DevMemberOptions {
  readonly name: string;
  readonly port: number;
  /** What follows `raftkv serve`. */
  readonly words: readonly string[];
  /** Its standard error is appended here. */
  readonly log: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What it prints, line by line. */
  readonly onLine?: (line: string) => void;
  readonly onChange?: (member: DevMember) => void;
  /** Instead of the command line: the script that is run with `serve` and the words. */
  readonly binary?: string;
}

export class DevMember {
  readonly name: string;
  readonly port: number;
  readonly log: string;
  readonly #options: DevMemberOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #state: MemberState = 'stopped';
  /** How it ended, with its last word if it had one. */
  #note: string | undefined;
  #starts = 0;

  constructor(options: DevMemberOptions) {
    this.name = options.name;
    this.port = options.port;
    this.log = options.log;
    this.#options = options;
  }

  get state(): MemberState {
    return this.#state;
  }
  get note(): string | undefined {
    return this.#note;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get starts(): number {
    return this.#starts;
  }
  get isUp(): boolean {
    return this.#child !== undefined;
  }

  /** Throws `invalid_argument` for what a member in this state cannot be asked. Resolves when it is done, but for a start when it has begun. */
  async act(action: MemberAction): Promise<void> {
    const isAllowed =
      action === 'start'
        ? !this.isUp
        : action === 'resume'
          ? this.#state === 'paused'
          : action === 'pause'
            ? this.#state === 'running'
            : action === 'restart' || (this.isUp && this.#state !== 'stopping') || (action === 'kill' && this.isUp);
    if (!isAllowed) throw new RaftkvError('invalid_argument', `${this.name} is ${this.#state}: cannot ${action} it`);
    if (action === 'start') void this.start();
    else if (action === 'stop') await this.stop();
    else if (action === 'kill') await this.#end('SIGKILL', 'killed');
    else if (action === 'restart') await this.stop().then(() => void (this.isUp || this.start()));
    else this.#signal(action === 'pause' ? 'SIGSTOP' : 'SIGCONT', action === 'pause' ? 'paused' : 'running');
  }

  /** Resolves with whether it came up. */
  start(): Promise<boolean> {
    const { binary = defaultBinary, words, environment, onLine } = this.#options;
    const log = openSync(this.log, 'a');
    // A group of its own: Ctrl-C reaches only this process, which then stops the members in order.
    const child = spawn(process.execPath, [binary, 'serve', ...words], {
      stdio: ['ignore', 'pipe', log],
      detached: true,
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    this.#child = child;
    this.#starts += 1;
    this.#become('starting', undefined);
    this.#ended = new Promise((done) => {
      child.once('error', () => done(this.#exited(child, null, null)));
      child.once('exit', (code, signal) => done(this.#exited(child, code, signal)));
    });
    const lines = createInterface({ input: child.stdout! });
    return new Promise((done) => {
      lines.on('line', (line) => {
        onLine?.(line);
        if (!line.includes(' ready')) return;
        if (this.#child === child && this.#state === 'starting') this.#become('running', undefined);
        done(true);
      });
      lines.on('close', () => done(false));
    });
  }

  /** In order, and by force if that takes too long. Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM', 'stopped');
  }

  /** Resolves when the process that runs now, if one does, is gone. */
  whenEnded(): Promise<void> {
    return this.#ended;
  }

  /** At once and without a word: for the end of this process. */
  killNow(): void {
    this.#child?.kill('SIGKILL');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL', state: 'stopped' | 'killed'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#expected = state;
    if (signal === 'SIGTERM') this.#become('stopping', undefined);
    child.kill(signal);
    // A paused process hears a signal only when it goes on.
    if (signal === 'SIGTERM') child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMilliseconds);
    await this.#ended;
    clearTimeout(timer);
  }
  /** What its next end is to be called, when it was asked for. */
  #expected: 'stopped' | 'killed' | undefined;

  #signal(signal: 'SIGSTOP' | 'SIGCONT', state: MemberState): void {
    this.#child?.kill(signal);
    this.#become(state, undefined);
  }

  #exited(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const expected = this.#expected;
    this.#expected = undefined;
    if (expected !== undefined) return this.#become(expected, undefined);
    const how = signal ?? (code === null ? 'could not be run' : `exit code ${code}`);
    this.#become('failed', describeEnd(this.log, how));
  }

  #become(state: MemberState, note: string | undefined): void {
    this.#state = state;
    this.#note = note;
    this.#options.onChange?.(this);
  }
}

/** What its last word was, if it had one. */
function describeEnd(log: string, how: string): string {
  const last = readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  return last.startsWith('raftkv: ') ? `(${how}): ${last.slice(8)}` : `(${how}); see ${log}`;
}
