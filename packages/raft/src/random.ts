// A small generator of pseudo-random numbers whose state lives in RaftState, so that a run replays from its seed.
// Not for secrets.
import type { RaftState } from './state.ts';

/** The first state: the seed mixed with the id, so that members that were given one seed still draw apart. */
export function seedRandom(seed: number, id: string): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** A number in [0, bound); bound is at most 2^32. */
export function drawBelow(state: RaftState, bound: number): number {
  // Weyl sequence through an integer hash (the "mulberry32" construction).
  state.random = (state.random + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state.random ^ (state.random >>> 15), state.random | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  const bits = (mixed ^ (mixed >>> 14)) >>> 0;
  return Math.floor((bits / 2 ** 32) * bound);
}
