// The composition root of a member in Node: storage, mesh, replica, state machine and the doors to them, put together and taken apart in order.
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Configuration } from '@raftkv/raft';
import { Replica } from '@raftkv/replica';
import { KvStateMachine, LocalKvNode, PeerRegistry, clusterIdentity, serveClient } from '@raftkv/server';
import { createHttpServer, createMetrics, createMonitoringServer, listen } from '@raftkv/server/node';
import { openFileStorage } from '@raftkv/storage/node';
import { dialWebSocket, openMesh } from '@raftkv/transport';
import type { Mesh } from '@raftkv/transport';
import { acceptWebSockets, nodeWebSocket } from '@raftkv/transport/node';
import { RaftkvError } from '@raftkv/wire';
import type { NodeConfig } from './config.ts';
import type { Logger } from './logger.ts';
import { nodeClock } from './node-clock.ts';
import { version } from './version.ts';

const clientRoute = { path: '/ws', protocol: 'raftkv.v1' } as const;
const peerRoute = { path: '/raft', protocol: 'raftkv-peer.v1' } as const;

export interface StartNodeOptions {
  readonly logger: Logger;
  /** The member stopped by itself: its storage failed or an invariant broke. The process must end. */
  readonly onHalt: (error: RaftkvError) => void;
}

export interface RunningNode {
  readonly port: number;
  readonly node: LocalKvNode;
  /** Answers what is open, then closes doors, mesh and storage. Idempotent. */
  close(): Promise<void>;
}
