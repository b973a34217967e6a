// What a run of chaos among tabs can be told on the command line. Read by `main.ts`.
import { parseArgs } from 'node:util';
import { findFirefox } from '../browser/harness/firefox.ts';
import { faultsOn } from './faults.ts';

export interface ChaosWebOptions {
  /** What is in the tabs: rooms of `raftkv/room`, or members of `raftkv/member`. */
  readonly on: 'room' | 'member';
  /** Decides which faults come when, and what clients do. The machine decides the rest. */
  readonly seed: number;
  /** Of faults and work. */
  readonly seconds: number;
  /** How many deaths of a leader of each kind are measured afterwards. */
  readonly deaths: number;
  /** Tabs, each in a browser of its own. */
  readonly tabs: number;
  /** One of them is a Firefox. */
  readonly firefox: boolean;
  /** Names of faults to draw from; undefined = all that can be had. */
  readonly only: readonly string[] | undefined;
}

export const usage =
  'npm run chaos:web -- [--on room|member] [--minutes 10] [--seed N] [--tabs 3] [--deaths 10] [--firefox] [--only close,kill,freeze,…]';

/** Throws with what is wrong. */
export function readOptions(words: readonly string[]): ChaosWebOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      on: { type: 'string', default: 'room' },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      tabs: { type: 'string', default: '3' },
      deaths: { type: 'string', default: '10' },
      firefox: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const number = (name: 'minutes' | 'seed' | 'tabs' | 'deaths', least: number, most = Infinity): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < least || value > most)
      throw new Error(`--${name} ${values[name]}: a number from ${least} on${most === Infinity ? '' : ` to ${most}`}`);
    return value;
  };
  const { on } = values;
  if (on !== 'room' && on !== 'member') throw new Error(`--on ${on}: room or member`);
  const names = faultsOn(on).map(({ name }) => name);
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: the faults are ${names.join(', ')}`);
  if (values.firefox && findFirefox() === undefined)
    throw new Error('--firefox: no Firefox was found; RAFTKV_FIREFOX names one');
  return {
    on,
    seed: number('seed', 0),
    seconds: number('minutes', 0) * 60,
    deaths: number('deaths', 0),
    tabs: number('tabs', 3, 7),
    firefox: values.firefox,
    only,
  };
}
