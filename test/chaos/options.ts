// What a run of chaos can be told on the command line, and what it found on this machine. Read by main.ts and by the short run in `npm test`.
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  /** Decides which faults come when, and what clients do. The kernel decides the rest. */
  readonly seed: number;
  /** Of faults and work. */
  readonly seconds: number;
  /** How many deaths of a leader are measured afterwards. */
  readonly deaths: number;
  /** Founding members. */
  readonly members: number;
  /** `auto` takes namespaces where they can be had. */
  readonly network: 'auto' | 'namespaces' | 'loopback';
  /** Names of faults to draw from; undefined = all that can be had. */
  readonly only: readonly string[] | undefined;
  /** Goes on until every fault that can be had came once, three at a time: for short runs. */
  readonly everyFault?: boolean;
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
  /** How long what was acknowledged is waited for at the end; less where it is meant to be lost. Default 60 s. */
  readonly patienceMilliseconds?: number;
}

export const usage = `npm run chaos -- [--minutes 10] [--seed N] [--deaths 100] [--members 5] [--network auto|namespaces|loopback] [--only kill,pause,…] [--lease-reads]`;

export function readOptions(words: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      deaths: { type: 'string', default: '100' },
      members: { type: 'string', default: '5' },
      network: { type: 'string', default: 'auto' },
      only: { type: 'string' },
      'lease-reads': { type: 'boolean', default: false },
    },
  });
  const number = (name: 'minutes' | 'seed' | 'deaths' | 'members', least: number): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < least)
      throw new Error(`--${name} ${values[name]}: a number from ${least} on`);
    return value;
  };
  const { network, only } = values;
  if (network !== 'auto' && network !== 'namespaces' && network !== 'loopback') {
    throw new Error(`--network ${network}: auto, namespaces or loopback`);
  }
  return {
    seed: number('seed', 0),
    seconds: number('minutes', 0.1) * 60,
    deaths: number('deaths', 0),
    members: number('members', 3),
    network,
    only: only?.split(','),
    args: values['lease-reads'] ? ['--lease-reads', 'true'] : [],
  };
}
