// How the reason of a channel's end travels in a WebSocket close frame: a number of 4000–4999 and a short text. Used by `websocket.ts` alone.
// Numbers are part of the protocol: never change or reuse one. What comes in is hostile: unknown numbers become `connection_lost`.
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

/** A close frame holds 123 bytes of text; three per character is the worst case of UTF-8 for a UTF-16 unit. */
const maxReasonCharacters = 41;

/** In the order of their numbers, from 4001 on: new ones are added at the end. */
const numbered: readonly ErrorCode[] = [
  'bad_frame',
  'frame_too_large',
  'unsupported_version',
  'wrong_cluster',
  'wrong_member',
  'member_amnesia',
  'busy',
  'timeout',
  'closed',
  'halted',
  'unsupported',
  'internal',
  'invalid_argument',
  'member_removed',
  'member_superseded',
  'founders_disagree',
];
const firstNumber = 4001;

/** The standard ones (RFC 6455, section 7.4.1) that a browser, a proxy or `ws` itself may send. */
const standard: Readonly<Partial<Record<number, ErrorCode>>> = {
  1002: 'bad_frame',
  1003: 'bad_frame',
  1007: 'bad_frame',
  1008: 'bad_frame',
  1009: 'frame_too_large',
  1011: 'internal',
  1013: 'busy',
};

/** What to give to `WebSocket.close`. An error without a number of its own goes as `internal`: its message need not concern the other side. */
export function toCloseFrame(error: RaftkvError | undefined): { readonly code: number; readonly reason: string } {
  if (error === undefined) return { code: 1000, reason: '' };
  const place = numbered.indexOf(error.code);
  if (place === -1) return { code: firstNumber + numbered.indexOf('internal'), reason: '' };
  return { code: firstNumber + place, reason: error.message.slice(0, maxReasonCharacters) };
}

/** Undefined for an end in order: 1000, 1001 (the page or server goes away) and 1005 (closed without a code). */
export function fromCloseFrame(code: number, reason: string, remote: string): RaftkvError | undefined {
  if (code === 1000 || code === 1001 || code === 1005) return undefined;
  const error = numbered[code - firstNumber] ?? standard[code];
  if (error === undefined) return new RaftkvError('connection_lost', `connection to ${remote} was lost (${code})`);
  return new RaftkvError(error, reason === '' ? `${remote} closed the connection: ${error}` : reason);
}
