// Turns what IndexedDB throws into the storage's own errors, once, at the border, and knows which of them only mean that the handle died.
// Every browser says the same thing with another exception; the table below is what they were seen to say.
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

type Meaning = readonly [code: ErrorCode, why: string];

const forbidden = means('unsupported', 'the browser does not let this page keep data');
const lost = means('storage_corrupt', 'a large value was lost');
/** By the name of the exception; anything else is `storage_failed`. */
const meanings: Readonly<Record<string, Meaning>> = {
  QuotaExceededError: means('storage_full', 'the origin has used up its quota, or the disk is full'),
  SecurityError: forbidden,
  NotAllowedError: forbidden,
  VersionError: means('unsupported_version', 'it was made by a later version of this program'),
  NotFoundError: means('storage_corrupt', 'its object store is missing'),
  NotReadableError: lost,
  DataError: lost,
};

/**
 * The connection is gone, not the data: closed under us for a deletion or an upgrade (InvalidStateError), by the browser with
 * transactions in flight (AbortError), or because the process behind it died (UnknownError). What was not complete was rolled back.
 */
const ofDeadHandles: readonly string[] = [
  'InvalidStateError',
  'AbortError',
  'UnknownError',
  'TransactionInactiveError',
];

export function isDeadHandle(error: unknown): boolean {
  return ofDeadHandles.includes(nameOf(error));
}

/** Whether a write that failed so is on disk is not always known: not definite. */
export function databaseError(error: unknown, what: string, database: string): RaftkvError {
  if (error instanceof RaftkvError) return error;
  const name = nameOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const [code, why] = meanings[name] ?? ['storage_failed'];
  const detail = why === undefined ? message : `${why} (${message})`;
  const details = { definite: false, cause: error };
  return new RaftkvError(code, `${what} ${database} failed: ${name}: ${detail}`, details);
}

function means(code: ErrorCode, why: string): Meaning {
  return [code, why];
}

/** A transaction that was aborted by the browser may carry no error at all. */
function nameOf(error: unknown): string {
  if (error == null) return 'AbortError';
  return error instanceof Error ? error.name : 'Error';
}
