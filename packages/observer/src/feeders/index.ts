// The front door for copies that feed each other. It is loaded by who wants that: a replica knows nothing of it but two of its own options.
export { Swarm } from './swarm.ts';

export type { SwarmNet, SwarmOptions, SwarmStatus } from './swarm.ts';
