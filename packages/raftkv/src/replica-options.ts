// What `openReplica` takes, the same in a browser, on Node and elsewhere, so that code which runs in several of them has one type.
import type { ReplicaOptions as CopyOptions } from '@raftkv/observer';

export interface ReplicaOptions<Value = unknown> extends CopyOptions<Value> {
  /** Replicas of other names, of one origin, have nothing to do with each other; 1 to 80 characters, no slash. Default "default". */
  readonly name?: string;
  /**
   * Where a browser keeps the copy. `relaxed`: in IndexedDB; a power cut may take the last changes, which the cluster then gives again. `strict`: forced to the
   * medium each time, which is slower and seldom worth it for a copy. `memory`: nowhere. Elsewhere it is always in memory. Default `relaxed`.
   */
  readonly storage?: 'relaxed' | 'strict' | 'memory';
  /**
   * `shared`: the tabs of an origin have one replica; one of them is fed by the cluster and feeds the others. `per-tab`: each has its own, for demos and
   * tests. Default `shared`.
   */
  readonly replica?: 'shared' | 'per-tab';
}

export interface ForgetOptions {
  /** Default "default". */
  readonly name?: string;
}

export const defaultReplicaName = 'default';
