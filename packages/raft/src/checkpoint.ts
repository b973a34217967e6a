// A copy of the whole state of a core, and a core made from one: what a recording begins with when its own beginning was let go.
// Copies keep who is the same object as whom, since the core compares some by identity. Called by raft.ts.
import type { ConfigurationCodec } from './entry.ts';
import type { RaftState } from './state.ts';

/**
 * The state of a core between two inputs, as plain values: objects, arrays, Maps and bytes, some of them reachable by two ways. What is in it is
 * private and changes with the core: only a core of the same version can go on from it.
 */
export interface RaftCheckpoint {
  readonly state: object;
}

export function takeCheckpoint(state: RaftState): RaftCheckpoint {
  const { configurationCodec: _, ...options } = state.options;
  return { state: copyOf({ ...state, options }, new Map()) as object };
}

/** Functions do not travel: they are given anew. */
export function stateFrom(checkpoint: RaftCheckpoint, configurationCodec: ConfigurationCodec): RaftState {
  const state = copyOf(checkpoint.state, new Map()) as RaftState;
  return { ...state, options: { ...state.options, configurationCodec } };
}

/** Bytes are not copied: nobody changes them. */
function copyOf(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copies.set(value, copy);
    for (const element of value) copy.push(copyOf(element, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    copies.set(value, copy);
    for (const [key, element] of value) copy.set(key, copyOf(element, copies));
    return copy;
  }
  const copy: Record<string, unknown> = {};
  copies.set(value, copy);
  for (const [key, element] of Object.entries(value)) copy[key] = copyOf(element, copies);
  return copy;
}
