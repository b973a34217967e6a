// One process, one opener a directory. The lock is the lock file with the highest number: it is never removed by anyone but a holder of
// a higher one, so two starters that both find a dead owner cannot both win. Called by `openFileStorage` before it reads anything.
import {
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { RaftkvError } from '@raftkv/wire';
import { diskError, systemCodeOf } from './disk-error.ts';

/** Who holds, or held, a lock. The start time tells a process from a later one with the same id. */
interface LockOwner {
  readonly pid: number;
  readonly startedAt: string;
  readonly isReleased: boolean;
}

/** Each lost race means that another starter got further. */
const maxAttempts = 100;

/**
 * Takes the lock of a directory; returns what releases it.
 *
 * The race that this avoids: (1) A and B find lock 7, whose owner is dead. (2) A makes lock 8 and holds. (3) B, slow, acts on what it saw.
 * With one fixed name B would now remove A's lock. Here B tries to make lock 8 as well and finds it taken; and should A be gone by
 * then and C hold lock 9, with 8 removed, B's new lock 8 is not the highest when B looks again, and B gives it up.
 *
 * @throws RaftkvError `storage_locked` with the owner's process id
 */
export function takeLock(directory: string): () => void {
  const owner: LockOwner = { pid: process.pid, startedAt: lookAt(process.pid).startedAt, isReleased: false };
  try {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const highest = lockNumbers(directory).at(-1) ?? 0;
      if (highest > 0) assertAbandoned(directory, highest);
      const mine = highest + 1;
      if (!makeLock(directory, mine, owner)) continue;
      if (lockNumbers(directory).at(-1) !== mine) {
        unlinkSync(join(directory, lockName(mine)));
        continue;
      }
      removeLower(directory, mine);
      return () => release(directory, mine, owner);
    }
  } catch (error) {
    throw diskError(error, 'lock', directory);
  }
  throw new RaftkvError('storage_locked', `${directory} could not be locked: other processes keep taking it`);
}

function isLockName(name: string): boolean {
  return /^lock-\d{8}$/.test(name);
}

function lockName(number: number): string {
  return `lock-${String(number).padStart(8, '0')}`;
}

function lockNumbers(directory: string): number[] {
  const names = readdirSync(directory).filter(isLockName);
  return names.map((name) => Number(name.slice(5))).sort((a, b) => a - b);
}

/** A link of a finished file: the lock never exists without its content, and making it fails if it is there. */
function makeLock(directory: string, number: number, owner: LockOwner): boolean {
  const temporary = join(directory, `lock-by-${process.pid}-${crypto.randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(temporary, join(directory, lockName(number)));
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    // Not there if it could not even be made.
    rmSync(temporary, { force: true });
  }
}

function assertAbandoned(directory: string, number: number): void {
  const path = join(directory, lockName(number));
  const owner = readOwner(path);
  if (owner === undefined || owner.isReleased || !isAlive(owner)) return;
  const who = owner.pid === process.pid ? 'this process has' : `process ${owner.pid} has`;
  throw new RaftkvError('storage_locked', `${who} ${directory} open already (${path})`);
}

/** Undefined for a lock that is gone meanwhile, or that no version of this program wrote whole (a power cut empties it). */
function readOwner(path: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, startedAt, isReleased }: Partial<Record<keyof LockOwner, unknown>> = value;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
    return { pid, startedAt: String(startedAt), isReleased: isReleased === true };
  } catch (error) {
    if (error instanceof SyntaxError || systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** In doubt alive: a lock that is in the way can be looked at, one that was taken from a living owner costs the log. */
function isAlive(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: alive, but of another account.
    if (systemCodeOf(error) === 'ESRCH') return false;
  }
  const { startedAt, isZombie } = lookAt(owner.pid);
  // It has ended and holds nothing any more; its parent may never ask for it.
  if (isZombie) return false;
  return startedAt === '' || owner.startedAt === '' || startedAt === owner.startedAt;
}

/** Boot and start time of a process where the system tells them (Linux), else nothing: then a reused process id counts as alive. */
function lookAt(pid: number): { readonly startedAt: string; readonly isZombie: boolean } {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold anything; what follows its last parenthesis is fields 3 (the state) and on; the start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { startedAt: `${boot}/${fields[19]}`, isZombie: fields[0] === 'Z' };
  } catch {
    return { startedAt: '', isZombie: false };
  }
}

function removeLower(directory: string, mine: number): void {
  for (const number of lockNumbers(directory)) {
    if (number >= mine) continue;
    try {
      unlinkSync(join(directory, lockName(number)));
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** The file stays, marked: a number that once was the highest must not be free again. */
function release(directory: string, number: number, owner: LockOwner): void {
  const path = join(directory, lockName(number));
  const temporary = `${path}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify({ ...owner, isReleased: true })}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    try {
      // On a full disk there is no room for the mark. An empty lock is nobody's either.
      truncateSync(path);
      rmSync(temporary, { force: true, recursive: true });
    } catch {
      throw diskError(error, 'unlock', path);
    }
  }
}
