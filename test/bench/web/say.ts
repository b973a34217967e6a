// How figures of the web benchmarks are put. What is measured is in the benchmarks beside it.
import { percentile } from '../../chaos/deaths.ts';

export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`;
export const say = (line: string): void => void process.stdout.write(`  ${line}\n`);

/** Milliseconds. */
export const quantiles = (times: readonly number[]): string =>
  [50, 95, 99].map((percent) => `p${percent} ${percentile(times, percent).toFixed(2)} ms`).join(', ');
