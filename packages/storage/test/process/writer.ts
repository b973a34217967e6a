// Starts `writer.mjs`, bare or under strace, reads what it says, and judges a restart against what was acknowledged.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const script = join(import.meta.dirname, 'writer.mjs');

export interface Position {
  readonly index: number;
  readonly term: number;
}

export interface Run {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly loaded: Position;
  /** The last position that was acknowledged, or what was loaded. */
  readonly acknowledged: Position;
  /** The line that begins with "failed", or an empty one. */
  readonly failure: string;
}

export interface RunOptions {
  readonly directory: string;
  readonly seed: number;
  readonly batches?: number;
  /** Arguments of strace, if it is to run under it. */
  readonly strace?: readonly string[];
  /** Killed with SIGKILL after so many acknowledgements. */
  readonly killAfter?: number;
}

/** Runs the writer to its end, however that comes. */
export async function runWriter({ directory, seed, batches, strace, killAfter }: RunOptions): Promise<Run> {
  const command = [
    process.execPath,
    script,
    directory,
    String(seed),
    ...(batches === undefined ? [] : [String(batches)]),
  ];
  const [file, ...args] =
    strace === undefined ? command : [findStrace(), '-f', '-qq', '-o', '/dev/null', ...strace, ...command];
  const child = spawn(file!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // strace counts `when=` in each thread.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  let text = '';
  let problems = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    if (killAfter !== undefined && text.split('\nack ').length > killAfter) child.kill('SIGKILL');
  });
  child.stderr.on('data', (data: Buffer) => {
    problems += data.toString();
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A line that the kill cut short says nothing.
  const lines = text.split('\n').slice(0, -1);
  if (lines.length === 0 && exitCode !== null) throw new Error(`the writer said nothing: ${problems}`);
  const loaded = position(lines.find((line) => line.startsWith('loaded ')));
  const lastAck = lines.findLast((line) => line.startsWith('ack '));
  const failure = lines.find((line) => line.startsWith('failed ')) ?? '';
  return { lines, exitCode, loaded, acknowledged: lastAck === undefined ? loaded : position(lastAck), failure };
}

function position(line: string | undefined): Position {
  const [, index, term] = (line ?? 'none 0 0').split(' ');
  return { index: Number(index), term: Number(term) };
}

/** Nothing acknowledged is lost if the log ends at or after it, or if a later term, begun but not acknowledged, replaced its end. */
export function keeps(found: Position, acknowledged: Position): boolean {
  return found.term > acknowledged.term || (found.term === acknowledged.term && found.index >= acknowledged.index);
}

/** @throws with an instruction: without strace these tests would prove nothing, so they fail rather than pass. */
function findStrace(): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'strace');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Looked for in the next folder.
    }
  }
  throw new Error(
    'strace is needed to make the disk fail; install it (Debian: apt-get install -y strace) and run again',
  );
}
