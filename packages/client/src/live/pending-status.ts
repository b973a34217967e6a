// How a copy is doing of which nothing is known yet: what a replica begins with, and what is shown where there is none.
import type { ReplicaStatus } from '../live.ts';

export const pendingStatus: ReplicaStatus = {
  replicaId: '',
  role: 'observer',
  tenancy: 'alone',
  phase: 'loading',
  connection: 'connecting',
  storage: 'memory',
  error: undefined,
  clusterId: undefined,
  leader: undefined,
  revision: 0,
  index: 0,
  hash: undefined,
  keys: 0,
  unsentWrites: 0,
  snapshots: 0,
  divergences: 0,
};
