// A small generator of pseudo-random numbers whose state lives in RaftState, so that a run replays from its seed.
// Not for secrets.
import type { RaftState } from './state.ts';

/**
 * The first state. Seed and id are mixed each by itself before they meet: members whose seeds are as near to each other as their ids (1001 and
 * "a", 1002 and "b") would otherwise start alike, draw the same election timeouts, and collide in every election.
 */
export function seedRandom(seed: number, id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return mix(mix(seed) + mix(hash));
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

/** Each bit of the answer depends on each bit of the number ("murmur3" finalizer). */
function mix(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
