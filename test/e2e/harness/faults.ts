// Faults of the disk for real processes: system calls that fail under strace, and small or read-only file systems where the
// machine lets us mount them. A tool that is missing fails the test with the command that installs it; nothing is passed over.
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';

let strace: string | undefined;

function stracePath(): string {
  try {
    strace ??= execFileSync('which', ['strace'], { encoding: 'utf8' }).trim();
    return strace;
  } catch {
    throw new Error('this test injects faults with strace: apt-get install strace');
  }
}

/**
 * A wrapper for a server whose system calls are tampered with. `-D` keeps the server our own child, so that its pid and exit are
 * real. strace counts `when=` for each thread: one thread in the pool makes the count that of the process.
 */
export function straced(
  traceFile: string,
  { calls, inject, file }: { calls: string; inject: string; file?: string },
): { wrapper: string[]; env: Record<string, string> } {
  const only = file === undefined ? [] : ['-P', file];
  const fault = ['-e', `trace=${calls}`, '-e', `inject=${calls}:${inject}`];
  return {
    wrapper: [stracePath(), '-D', '-f', '-qq', '-o', traceFile, ...only, ...fault],
    env: { UV_THREADPOOL_SIZE: '1' },
  };
}

/** Tampers with the system calls of a process that runs already, until it ends or the answer is called. Needs root (or sudo). */
export function attachFault(
  pid: number,
  traceFile: string,
  { calls, inject }: { calls: string; inject: string },
): () => void {
  const fault = ['-e', `trace=${calls}`, '-e', `inject=${calls}:${inject}`];
  const command = [stracePath(), '-f', '-qq', '-o', traceFile, '-p', String(pid), ...fault];
  const [file, ...args] = isRoot() ? command : ['sudo', '-n', ...command];
  const tracer = spawn(file!, args, { stdio: 'ignore' });
  return () => void tracer.kill();
}

/** A file system of its own in memory, of a given size. Needs root (or sudo, as on hosted runners). */
export class SmallFileSystem {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static mount(parent: string, size: string): SmallFileSystem {
    const directory = path.join(parent, 'small');
    execFileSync('mkdir', ['-p', directory]);
    const mounted = new SmallFileSystem(directory);
    asRoot('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tmpfs', directory]);
    return mounted;
  }

  /** New options for the mounted file system: `size=64m`, `ro`, `rw`. */
  remount(options: string): void {
    asRoot('mount', ['-o', `remount,${options}`, this.directory]);
  }

  unmount(): void {
    asRoot('umount', [this.directory]);
  }
}

function asRoot(command: string, args: readonly string[]): void {
  try {
    if (isRoot()) execFileSync(command, args, { stdio: 'pipe' });
    else execFileSync('sudo', ['-n', command, ...args], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`this test mounts a small file system and needs root or sudo without a password`, { cause: error });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
