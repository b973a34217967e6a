// What a world is like for as long as it lasts: how much it loses, repeats and delays, how slow its disks and machines
// are, and how its members are configured. Drawn once per seed; what goes wrong meanwhile is in faults.ts.
import type { RaftOptions } from '../../src/index.ts';
import type { World } from './world.ts';

/** Delays are in units of virtual time. */
export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelay: number;
  readonly persistDelay: number;
  readonly applyDelay: number;
  readonly clientDelay: number;
  readonly faultDelay: number;
  readonly compactDelay: number;
  /** Chance that a member crashes right after it has asked its disk to remember a term or vote, and is soon back. */
  readonly crashWhileVoting: number;
  readonly electionTimeoutTicks: number;
  /** Units of a tick, give or take one: each member draws one of these. */
  readonly tickUnits: readonly number[];
  /** With leases: the drift that they allow for. */
  readonly maxDriftPerMille: number | undefined;
  readonly handOverDelay: number;
  readonly changeDelay: number;
  /** Chance that a change of members is interrupted as soon as it has begun. */
  readonly interruption: number;
  /** Entries that stay in a compacted log. */
  readonly keep: number;
}

/** Clocks as they are, and what leases believe of them. */
export interface Clocks {
  readonly tickUnits: readonly number[];
  readonly maxDriftPerMille: number;
}

/** From 8 units (9 less the jitter) to 13 (12 and the jitter): the slowest counts 615 of the fastest's 1,000. */
const drifting: Clocks = { tickUnits: [9, 10, 11, 12], maxDriftPerMille: 385 };

/** `clocks`: leases on, and these. Otherwise the dice decide. */
export function drawWeather(world: World, clocks?: Clocks): Weather {
  const electionTimeoutTicks = clocks === undefined ? world.pick([4, 4, 10, 10]) : 10;
  const leased = clocks ?? (electionTimeoutTicks === 10 && world.chance(0.6) ? drifting : undefined);
  return {
    electionTimeoutTicks,
    tickUnits: leased?.tickUnits ?? [10],
    maxDriftPerMille: leased?.maxDriftPerMille,
    handOverDelay: world.pick([80, 300, 2000]),
    changeDelay: world.pick([15, 40, 100]),
    interruption: world.pick([0, 0.2, 0.6]),
    loss: world.pick([0, 0.01, 0.05, 0.2]),
    duplication: world.pick([0, 0.02, 0.2]),
    maxDelay: world.pick([3, 12, 60]),
    persistDelay: world.pick([1, 6, 20]),
    applyDelay: world.pick([1, 5, 40]),
    clientDelay: world.pick([6, 15, 40]),
    faultDelay: world.pick([50, 120, 400]),
    compactDelay: world.pick([60, 200, 1000]),
    crashWhileVoting: world.pick([0, 0, 0.1, 0.3]),
    keep: world.pick([0, 2, 10]),
  };
}

/** One member's options: small limits, so that they are reached. */
export function drawOptions(
  world: World,
  { electionTimeoutTicks, maxDriftPerMille }: Weather,
  id: string,
): RaftOptions {
  return {
    id,
    seed: world.below(2 ** 32),
    electionTimeoutTicks,
    priority: world.pick([10, 10, 0, 20, 90]),
    leaseReads: maxDriftPerMille === undefined ? undefined : { maxDriftPerMille },
    heartbeatTicks: 1,
    maxAppendEntries: world.pick([1, 3, 100]),
    maxAppendBytes: world.pick([64, 1000]),
    maxInflightMessages: world.pick([1, 3, 50]),
    maxInflightBytes: world.pick([100, 100_000]),
    maxUncommittedBytes: world.pick([200, 2000]),
    maxForwardedBytes: world.pick([200, 2000]),
    maxCommittedBytes: world.pick([100, 100_000]),
    maxPendingReads: world.pick([3, 1000]),
    snapshotChunkBytes: world.pick([200, 1000, 100_000]),
  };
}
