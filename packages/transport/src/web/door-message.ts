// What tabs of a room say to each other before they have a channel: plain objects on a BroadcastChannel that all of them hear. Any script of the origin can
// speak there, and tabs of several builds do, so everything is checked. What to do about it is for `broadcast-door.ts`.
import { isErrorCode } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

/**
 * `knock` asks for a pipe, `welcome` names one, `begin` says that the other end is there; `refusal` says why there is none. `ping` and `pong`, of tabs
 * whose browser does not say when one of them is gone.
 */
export type DoorMessage =
  | (Envelope & { readonly type: 'knock'; readonly purpose: string })
  | (Envelope & { readonly type: 'welcome'; readonly pipe: string })
  | (Envelope & { readonly type: 'refusal'; readonly code: ErrorCode; readonly message: string })
  | (Envelope & { readonly type: 'begin' })
  | (Envelope & { readonly type: 'ping' })
  | (Envelope & { readonly type: 'pong' });

interface Envelope {
  readonly version: 1;
  readonly from: string;
  readonly to: string;
  /** Of the attempt, made by the one that knocks. Of pings, the tab that is meant. */
  readonly visit: string;
  /** Of the one that speaks: of two tabs under one name each has its own. */
  readonly tab: string;
}

const maxTextCharacters = 128;
const maxReasonCharacters = 500;

/** Undefined for what makes no sense, or is said by a later build: nobody can be told. */
export function parseDoorMessage(value: unknown): DoorMessage | undefined {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const { version, from, to, visit, tab, type, purpose, pipe, code, message } = fields;
  if (version !== 1 || !isText(from) || !isText(to) || !isText(visit) || !isText(tab)) return undefined;
  const envelope = { version, from, to, visit, tab } as const;
  if (type === 'knock' && isText(purpose)) return { ...envelope, type, purpose };
  if (type === 'welcome' && isText(pipe)) return { ...envelope, type, pipe };
  if (type === 'begin') return { ...envelope, type };
  if (type === 'ping') return { ...envelope, type };
  if (type === 'pong') return { ...envelope, type };
  if (type !== 'refusal' || !isText(code) || !isText(message, maxReasonCharacters)) return undefined;
  return { ...envelope, type, message, code: isErrorCode(code) ? code : 'connection_lost' };
}

function isText(value: unknown, maxCharacters = maxTextCharacters): value is string {
  return typeof value === 'string' && value.length <= maxCharacters;
}
