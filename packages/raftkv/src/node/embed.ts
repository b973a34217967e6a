// `raftkv/node`: a member inside one's own process, as `raftkv serve` runs it.
export { loadConfig } from './config.ts';
export { createLogger } from './logger.ts';
export { startNode } from './start-node.ts';

export type { Flags, NodeConfig, PeerAddress } from './config.ts';
export type { LogSink, Logger } from './logger.ts';
export type { JoinOptions } from './join-cluster.ts';
export type { LogLevel } from './settings.ts';
export type { RunningNode, StartNodeOptions } from './start-node.ts';
