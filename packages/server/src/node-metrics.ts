// The member's own state as metrics: what its status, its core and its storage say at the moment of asking. The
// composition root adds these sources; nothing here costs anything between two scrapes.
import type { RaftStatus } from '@raftkv/raft';
import type { StorageStatistics } from '@raftkv/storage';
import type { MeshPeerStatus } from '@raftkv/transport';
import type { NodeStatus } from '@raftkv/wire';
import type { MetricFamily, Metrics } from './metrics.ts';
import { counter, gauge } from './metrics.ts';
import type { KvNode } from './node-api.ts';

/** What a member can be asked at each scrape. */
export interface MemberSources {
  readonly node: KvNode;
  readonly raft?: () => RaftStatus | undefined;
  readonly storage?: () => StorageStatistics | undefined;
  readonly peers?: () => readonly MeshPeerStatus[];
  /** The relay between tabs, where there is one. */
  readonly relay?: () => { readonly members: number; readonly relayedBytes: number } | undefined;
}

/** Adds the member's gauges and counters to `metrics`. Answers the function that removes them. */
export function addMemberMetrics(metrics: Metrics, sources: MemberSources): () => void {
  let leaderChanges = 0;
  const removeListener = sources.node.onLeaderChange(() => {
    leaderChanges++;
  });
  const removeSource = metrics.addSource(() => {
    const raft = sources.raft?.();
    const storage = sources.storage?.();
    const relay = sources.relay?.();
    return [
      ...statusFamilies(sources.node.status()),
      counter('raftkv_leader_changes_total', 'Times that the leader known here changed.', leaderChanges),
      ...(raft === undefined ? [] : raftFamilies(raft)),
      ...(storage === undefined ? [] : storageFamilies(storage)),
      ...(sources.peers === undefined ? [] : peerFamilies(sources.peers())),
      ...(relay === undefined
        ? []
        : [
            gauge('raftkv_relay_members', 'Tabs and others that are in a room of the relay.', relay.members),
            counter('raftkv_relay_bytes_total', 'Bytes passed on between them, beyond signals.', relay.relayedBytes),
          ]),
    ];
  });
  return () => {
    removeListener();
    removeSource();
  };
}

const roles: readonly NodeStatus['role'][] = ['follower', 'preCandidate', 'candidate', 'leader'];

function statusFamilies(status: NodeStatus): readonly MetricFamily[] {
  const reachable = status.members.map((member) => ({
    labels: { member: member.name },
    value: Number(member.isReachable),
  }));
  const matched = status.members.flatMap((member) =>
    member.matchIndex === undefined ? [] : [{ labels: { member: member.name }, value: member.matchIndex }],
  );
  return [
    {
      name: 'raftkv_member_info',
      help: 'Who this member is; always 1.',
      type: 'gauge',
      samples: [
        {
          labels: { cluster: status.clusterId, member: status.memberId, name: status.name, version: status.version },
          value: 1,
        },
      ],
    },
    {
      name: 'raftkv_role',
      help: 'The role of this member: 1 for the one that it has.',
      type: 'gauge',
      samples: roles.map((role) => ({ labels: { role }, value: Number(status.role === role) })),
    },
    gauge('raftkv_running', '1 while the member takes part in its cluster.', Number(status.phase === 'running')),
    gauge('raftkv_has_leader', '1 while a leader is known here.', Number(status.leaderId !== undefined)),
    gauge('raftkv_term', 'The current term.', status.term),
    gauge('raftkv_commit_index', 'The last log index known to be committed.', status.commitIndex),
    gauge('raftkv_applied_index', 'The last log index applied.', status.appliedIndex),
    gauge('raftkv_first_index', 'The first log index still kept.', status.firstIndex),
    gauge('raftkv_last_index', 'The last log index.', status.lastIndex),
    gauge('raftkv_snapshot_index', 'The last log index that the latest snapshot covers.', status.snapshotIndex),
    gauge('raftkv_revision', 'The revision of the store.', status.revision),
    gauge('raftkv_compacted_revision', 'The oldest revision that can be read.', status.compactedRevision),
    gauge('raftkv_keys', 'Keys in the store.', status.keys),
    gauge('raftkv_data_bytes', 'Bytes of keys and values in the store.', status.dataBytes),
    gauge(
      'raftkv_sync_writes',
      '1 if every write is synced to disk before it is acknowledged.',
      Number(status.syncWrites),
    ),
    gauge('raftkv_uptime_seconds', 'How long this member has been up.', status.uptimeSeconds),
    {
      name: 'raftkv_member_reachable',
      help: 'Whether this member has a connection to the other.',
      type: 'gauge',
      samples: reachable,
    },
    {
      name: 'raftkv_member_match_index',
      help: 'The last log index that the other member is known to hold (leader only).',
      type: 'gauge',
      samples: matched,
    },
  ];
}

function raftFamilies(raft: RaftStatus): readonly MetricFamily[] {
  return [
    gauge(
      'raftkv_uncommitted_bytes',
      'Bytes of proposals that are not committed yet (leader only).',
      raft.uncommittedBytes,
    ),
    gauge('raftkv_log_memory_bytes', 'Bytes of log entries kept in memory.', raft.logBytes),
    gauge('raftkv_pending_reads', 'Linearizable reads that wait for their confirmation.', raft.pendingReads),
    gauge(
      'raftkv_priority',
      'Who should rather lead: the higher; 0 while this member serves badly.',
      raft.isUnwell ? 0 : raft.priority,
    ),
    gauge('raftkv_has_lease', '1 while reads are served under a lease (leader only).', Number(raft.hasLease)),
    gauge('raftkv_persisted_index', 'The last log index durable here.', raft.persistedIndex),
  ];
}

/** What travels between this member and each other one. */
function peerFamilies(peers: readonly MeshPeerStatus[]): readonly MetricFamily[] {
  const family = (name: string, help: string, value: (peer: MeshPeerStatus) => number): MetricFamily => ({
    name,
    help,
    type: 'counter',
    samples: peers.map((peer) => ({ labels: { peer: peer.name }, value: value(peer) })),
  });
  return [
    family('raftkv_peer_sent_messages_total', 'Raft messages sent to the peer.', ({ traffic }) => traffic.sentMessages),
    family('raftkv_peer_sent_bytes_total', 'Bytes of frames sent to the peer.', ({ traffic }) => traffic.sentBytes),
    family(
      'raftkv_peer_received_messages_total',
      'Raft messages received from the peer.',
      ({ traffic }) => traffic.receivedMessages,
    ),
    family(
      'raftkv_peer_received_bytes_total',
      'Bytes of frames received from the peer.',
      ({ traffic }) => traffic.receivedBytes,
    ),
    family(
      'raftkv_peer_dropped_messages_total',
      'Raft messages to the peer that were dropped.',
      (peer) => peer.droppedMessages,
    ),
    family('raftkv_peer_connections_total', 'Channels that stood to the peer.', (peer) => peer.connections),
    ...linkFamilies(peers),
  ];
}

/** How each is reached, where it is. */
function linkFamilies(peers: readonly MeshPeerStatus[]): readonly MetricFamily[] {
  const linked = peers.flatMap(({ name, link }) => (link === undefined ? [] : [{ name, ...link }]));
  return [
    {
      name: 'raftkv_peer_link_info',
      help: 'How the peer is reached: 1, with what carries the channel, and whether it is direct or relayed.',
      type: 'gauge',
      samples: linked.map(({ name, kind = 'unknown', path }) => ({ labels: { peer: name, kind, path }, value: 1 })),
    },
    {
      name: 'raftkv_peer_round_trip_seconds',
      help: 'From a ping to its answer, smoothed.',
      type: 'gauge',
      samples: linked.flatMap(({ name, roundTripMilliseconds }) =>
        roundTripMilliseconds === undefined ? [] : [{ labels: { peer: name }, value: roundTripMilliseconds / 1000 }],
      ),
    },
  ];
}

function storageFamilies(storage: StorageStatistics): readonly MetricFamily[] {
  return [
    {
      name: 'raftkv_log_sync_duration_seconds',
      help: 'Syncs of the log to disk: their number and total time.',
      type: 'summary',
      samples: [
        { suffix: '_sum', value: storage.syncMilliseconds / 1000 },
        { suffix: '_count', value: storage.syncs },
      ],
    },
    gauge('raftkv_log_sync_last_seconds', 'The latest sync of the log.', storage.lastSyncMilliseconds / 1000),
    gauge('raftkv_log_sync_max_seconds', 'The longest sync of the log so far.', storage.maxSyncMilliseconds / 1000),
    counter('raftkv_log_batches_total', 'Batches made durable.', storage.batches),
    counter(
      'raftkv_log_entries_total',
      'Log entries made durable; divided by the syncs, the effect of group commit.',
      storage.entries,
    ),
    gauge('raftkv_log_bytes', 'Bytes of the log on disk.', storage.logBytes),
    gauge('raftkv_log_segments', 'Segments of the log on disk.', storage.segments),
    gauge('raftkv_snapshot_bytes', 'Bytes of the latest snapshot on disk.', storage.snapshotBytes),
  ];
}
