// The entry of the bundle: runs seeds. It knows no runtime; how microtasks are made to run dry between two events is given by whoever loads it.
import { Simulation } from './simulation.ts';
import type { Verdict } from './simulation.ts';
import type { WorldOptions } from './world/world.ts';

export { faultKinds } from './world/swarm.ts';

/** Runs the microtasks at once. Only outside of microtasks. */
export type DrainNow = () => void;
/** Resolves in another turn of the event loop. */
export type NextTurn = () => Promise<void>;

/** A seed in one go, where the runtime lets microtasks be run on demand. Call it from the event loop, not from a microtask. */
export function runSeedNow(options: WorldOptions, drain: DrainNow): Verdict {
  const simulation = new Simulation(options);
  drain();
  while (simulation.step()) {
    drain();
    simulation.settle();
  }
  return simulation.verdict();
}

/** A seed in any runtime. */
export async function runSeed(options: WorldOptions, nextTurn: NextTurn): Promise<Verdict> {
  const simulation = new Simulation(options);
  await nextTurn();
  while (simulation.step()) {
    await nextTurn();
    simulation.settle();
  }
  return simulation.verdict();
}
