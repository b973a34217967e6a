// What a member is put together from: its home, and the parts that a runtime has to give. Read by `open-member.ts`.
import type { MemberChange, RaftOptions } from '@raftkv/raft';
import type { Clock, ReplicaEvent, ReplicaOptions } from '@raftkv/replica';
import type { Mesh, Transport } from '@raftkv/transport';
import type { Hasher, RaftkvError } from '@raftkv/wire';
import type { Home } from './home.ts';
import type { KvStateMachine } from './kv-state-machine.ts';
import type { MembershipEvent } from './membership.ts';
import type { MeshEvent, MeshParts } from './member-mesh.ts';

export interface MemberOptions {
  /** Taken over: its storage is closed when the member is, or when opening fails. */
  readonly home: Home;
  /** Of the software, for whoever asks for the status. */
  readonly version: string;
  readonly clock: Clock;
  /** `seed`: a fresh random one at each start. */
  readonly raft: Omit<RaftOptions, 'id'>;
  /** Length of one tick of the core. */
  readonly tickMilliseconds: number;
  readonly mesh: MeshParts;
  /** Whether this member dials the one at that address, where only one of the two can: a tab dials Node, which cannot dial a tab. Default: both may. */
  readonly dials?: (address: string) => boolean | undefined;
  /** What the core's messages pass on their way from and to the mesh, such as a `StandIn`. Default: nothing. */
  readonly transport?: (mesh: Mesh) => Transport;
  /** Why these changes of the members may not be made now, whoever asks for them; asked of a leader. Default: nothing keeps them. */
  readonly refusalOf?: (changes: readonly MemberChange[]) => RaftkvError | undefined;
  /** How long a write or a read may take before it fails with `timeout`. Default 5 s. */
  readonly requestTimeoutMilliseconds?: number;
  /** Snapshots, and what is kept beside them: see `ReplicaOptions`. */
  readonly replica?: Pick<
    ReplicaOptions,
    'snapshotThreshold' | 'retainedEntries' | 'retainedBytes' | 'snapshotBytesPerSecond' | 'recorder'
  >;
  /** Default: a new, empty one. */
  readonly stateMachine?: KvStateMachine;
  /** Raw DEFLATE for what observers are sent. Default: the one in plain JavaScript. */
  readonly deflate?: (bytes: Uint8Array) => Uint8Array;
  /** The runtime's own SHA-256, for digests of what others feed to observers. Default: the one in plain JavaScript, several times slower. */
  readonly sha256?: () => Hasher;
  /**
   * Asked before anybody hears of this member, with the id of its cluster; undefined: that is not founded yet. A rejection ends the opening, with it.
   * Default: nobody is asked.
   */
  readonly check?: (clusterId: string | undefined) => Promise<void>;
  /** The member cannot go on, for the reason given: it must be closed. Told once, and not after `close`. */
  readonly onHalt: (error: RaftkvError) => void;
  /** For the log. */
  readonly onEvent?: (event: MemberEvent) => void;
}

export type MemberEvent =
  | MeshEvent
  | MembershipEvent
  | ReplicaEvent
  | { readonly type: 'role'; readonly role: string; readonly term: number; readonly leader: string | undefined }
  | { readonly type: 'founding: waiting for'; readonly members: readonly string[] }
  | { readonly type: 'running'; readonly clusterId: string | undefined; readonly memberId: string };
