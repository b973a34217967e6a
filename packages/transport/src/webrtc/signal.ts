// What two sides tell each other before they can talk: descriptions, candidates, a refusal; and reading it from values that are hostile, since
// whoever can reach the signalling can send anything. How signals travel is for implementations of Signalling.
import { RaftkvError, isErrorCode } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';

/** What one side of a session says to the other. */
export type SignalBody =
  | {
      readonly type: 'offer' | 'answer';
      readonly sdp: string;
      /** What the channel is for, unchecked: another build may know more purposes. Not there: for the mesh. */
      readonly purpose?: string;
    }
  | {
      readonly type: 'candidate';
      readonly candidate: string;
      readonly mid: string | null;
      readonly line: number | null;
    }
  | { readonly type: 'bye'; readonly code: ErrorCode; readonly message: string }
  /** A word between two that need no channel for it, such as who has something to offer. Sessions pass over it. */
  | { readonly type: 'note'; readonly text: string };

/** Plain data, also after `JSON.parse(JSON.stringify(signal))`. */
export type Signal = SignalBody & {
  readonly version: 1;
  /** Of the attempt, made by the one that dials. Words of another attempt, such as one before a reload, concern nobody. */
  readonly session: string;
  readonly from: string;
  readonly to: string;
};

/** Carries signals between members, best effort: they may be lost, but those of one sender must not overtake each other. */
export interface Signalling {
  /** To the member that it names. Must not throw. */
  send(signal: Signal): void;
  /** What comes in for this member, unchecked. Answers how to stop. */
  listen(onSignal: (signal: unknown) => void): () => void;
}

export const maxSdpCharacters = 16 * 1024;
const maxCandidateCharacters = 1024;
const maxIdCharacters = 128;
const maxReasonCharacters = 500;
const maxNoteCharacters = 2_000;

/** Throws `bad_frame`, or `unsupported_version` for what a later build says. Only what is known is taken over. */
export function parseSignal(value: unknown): Signal {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (fields['version'] !== 1) throw new RaftkvError('unsupported_version', 'a signal of another version');
  return {
    version: 1,
    session: text(fields, 'session', maxIdCharacters),
    from: text(fields, 'from', maxIdCharacters),
    to: text(fields, 'to', maxIdCharacters),
    ...parseBody(fields),
  };
}

function parseBody(fields: Readonly<Record<string, unknown>>): SignalBody {
  const { type } = fields;
  if (type === 'offer' || type === 'answer') {
    const sdp = text(fields, 'sdp', maxSdpCharacters);
    return fields['purpose'] === undefined
      ? { type, sdp }
      : { type, sdp, purpose: text(fields, 'purpose', maxIdCharacters) };
  }
  if (type === 'candidate') {
    const { mid, line } = fields;
    if (line !== null && !(Number.isInteger(line) && Number(line) >= 0)) throw badSignal('line');
    return {
      type,
      candidate: text(fields, 'candidate', maxCandidateCharacters),
      mid: mid === null ? null : text(fields, 'mid', maxIdCharacters),
      line: line === null ? null : Number(line),
    };
  }
  if (type === 'bye') {
    const code = text(fields, 'code', maxIdCharacters);
    // Another build may know more codes.
    const known = isErrorCode(code) ? code : 'connection_lost';
    return { type, code: known, message: text(fields, 'message', maxReasonCharacters) };
  }
  if (type === 'note') return { type, text: text(fields, 'text', maxNoteCharacters) };
  throw badSignal('type');
}

function text(fields: Readonly<Record<string, unknown>>, name: string, maxCharacters: number): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length <= maxCharacters) return value;
  throw badSignal(name);
}

function badSignal(name: string): RaftkvError {
  return new RaftkvError('bad_frame', `a signal whose ${name} makes no sense`);
}
