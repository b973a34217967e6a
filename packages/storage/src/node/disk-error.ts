// Turns errors of the file system into the storage's own, once, at the border: path, operation and code on one line.
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

/** What a user can do about it, by the system's code. */
const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'the disk reports an error',
  EMFILE: 'too many open files',
  ENOTDIR: 'a part of the path is not a directory',
};

/** `storage_full` for ENOSPC and EDQUOT, else `storage_failed`. Whether the write reached the disk is unknown. */
export function diskError(error: unknown, operation: string, path: string): RaftkvError {
  if (error instanceof RaftkvError) return error;
  const systemCode = systemCodeOf(error);
  const code: ErrorCode = systemCode === 'ENOSPC' || systemCode === 'EDQUOT' ? 'storage_full' : 'storage_failed';
  const hint = hints[systemCode];
  const detail = hint === undefined ? systemCode : `${hint} (${systemCode})`;
  return new RaftkvError(code, `${operation} of ${path} failed: ${detail}`, { definite: false, cause: error });
}

/** The `code` of a system error, such as "EIO", or its message if it has none. */
export function systemCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
