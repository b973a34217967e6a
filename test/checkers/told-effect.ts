// What a client can conclude from an answer: whether its write changed something, and how far the store had come. Called by the checkers
// that follow clients.
import type { Answer, Told } from './history.ts';
import type { KeyValue } from '@raftkv/kv';

interface Loose {
  readonly type: string;
  readonly deleted?: number;
  readonly results?: readonly Loose[];
}

/** Undefined: it was not told. */
export function toldEffect(answer: Answer): boolean | undefined {
  return effectOf(answer as Loose);
}

function effectOf(answer: Loose): boolean | undefined {
  switch (answer.type) {
    case 'put':
      return true;
    case 'delete':
      return answer.deleted === undefined ? undefined : answer.deleted > 0;
    case 'batch':
    case 'txn': {
      const inner = answer.results?.map(effectOf);
      if (inner === undefined) return undefined;
      return inner.includes(true) ? true : inner.includes(undefined) ? undefined : false;
    }
    default:
      return false;
  }
}

/** The newest revision that the client has surely seen or made with this answer; 1 if it shows none. */
export function revisionTold(answer: Answer): number {
  const entries: (Told<KeyValue> | undefined)[] = [];
  if (answer.type === 'get') entries.push(answer.entry);
  if (answer.type === 'scan') entries.push(...(answer.entries ?? []));
  return Math.max(1, answer.revision ?? 1, ...entries.map((entry) => entry?.revision ?? 1));
}
