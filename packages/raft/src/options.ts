// The core's options with their defaults and limits, validated once at construction. What a member
// starts from (RaftInitialState) is described here too; `raft.ts` is the only reader of both.
import type { Configuration, ConfigurationCodec, Entry, HardState, PeerId, SnapshotMeta } from './entry.ts';
import { InvariantError, assert } from './assert.ts';

/** What a member has unless it is told otherwise; it is not sent, so that a cluster without priorities sends what it always did. */
export const DEFAULT_PRIORITY = 10;
const MAX_PRIORITY = 100;

/**
 * What must be true for reads under a lease to be linearizable:
 * - while the fastest clock of a member counts 1,000 ticks, the slowest counts at least 1,000 − `maxDriftPerMille`;
 * - a member whose ticks do not count all the time that passes (a suspended process, a machine that slept) hears `clockGap` before
 *   it serves the next read; and ticks are never stepped late, after a message that came when they were due already;
 * - all members have the same election timeout and length of a tick, and all have leases on: one whose leases were switched off must not
 *   be restarted within an election timeout.
 * A lease lasts (election timeout − 1 tick) × (1,000 − maxDriftPerMille) / 1,000 ticks.
 */
export interface LeaseOptions {
  /** 0 to 999. */
  readonly maxDriftPerMille: number;
}

export interface RaftOptions {
  /** This member. */
  readonly id: PeerId;
  /**
   * An unsigned 32-bit number: election timeouts and the first request number are drawn from it. The same seed and
   * inputs give the same outputs. Give a fresh one at each start of a member: an answer to a request from before a
   * crash is told apart from one to a request after it by the request's number alone.
   */
  readonly seed: number;
  /** Ticks without a leader before a pre-vote; drawn anew from [n, 2n) at each role change (§3.4). Default 10. */
  readonly electionTimeoutTicks?: number;
  /**
   * Who should rather lead: a leader hands over to a voter of higher priority that has caught up, and when there is no leader, who has a lower one than
   * the best of those that answered waits an election timeout longer. 0 to 100; 0: it does not campaign by itself, though it votes, unless a candidate lacks what it has. Default 10: room below for members that should rather not lead, such as tabs.
   */
  readonly priority?: number;
  /** Serve reads under a lease, without a round of heartbeats. Default: undefined, off. Not for a member in a browser's tab, which is suspended without notice. */
  readonly leaseReads?: LeaseOptions | undefined;
  /** Ticks between heartbeats. Default 1; must be less than the election timeout. */
  readonly heartbeatTicks?: number;
  /** Most entries in one AppendEntries. Default 1,000. */
  readonly maxAppendEntries?: number;
  /** Most bytes of entries (32 are added to the data of each) in one AppendEntries; one larger entry still travels alone. Default 1 MiB. */
  readonly maxAppendBytes?: number;
  /** Most AppendEntries in flight to one follower; at the limit the leader waits for answers. Default 256. */
  readonly maxInflightMessages?: number;
  /** Most bytes in flight to one follower; same. The message that crosses the limit still goes. Default 8 MiB. */
  readonly maxInflightBytes?: number;
  /**
   * Bytes of proposed but uncommitted entries above which a leader refuses proposals as `busy`. One alone always passes. Default 16 MiB:
   * what a slow disk still writes well within a request timeout.
   */
  readonly maxUncommittedBytes?: number;
  /**
   * Bytes of proposals that were forwarded to the leader and not answered yet above which a follower refuses more as `busy`; one alone always
   * passes. Default 8 MiB: what a transport drops for want of room has an unknown outcome, so it must be less than the transport holds for a peer.
   */
  readonly maxForwardedBytes?: number;
  /**
   * Bytes of committed but not yet applied entries above which a leader refuses proposals as `busy`: a state machine that
   * cannot keep up must slow the writers down, not fill the memory. Default 64 MiB.
   */
  readonly maxUnappliedBytes?: number;
  /**
   * Ticks after which a forwarded proposal that is not answered is forgotten: its outcome is unknown, and its bytes count no
   * longer. A driver gives what its callers wait. Default 20 election timeouts.
   */
  readonly proposalTimeoutTicks?: number;
  /** Most bytes of committed entries in one Ready, and handed out but not yet applied; the entry that crosses the limit still goes. Default 8 MiB. */
  readonly maxCommittedBytes?: number;
  /** Most open reads, here and forwarded; above it reads are refused as `busy`. Default 65,536. */
  readonly maxPendingReads?: number;
  /** Bytes in one chunk of a snapshot. Default 256 KiB. */
  readonly snapshotChunkBytes?: number;
  /** The bytes of a change of members. Without one, members cannot change, and a log in which they do is refused (InvariantError). */
  readonly configurationCodec?: ConfigurationCodec;
}

/** The options with every default filled in. */
export type ResolvedOptions = Required<Omit<RaftOptions, 'leaseReads'>> & {
  readonly leaseReads: LeaseOptions | undefined;
};

/** What a member starts from: its storage's content, or the founding configuration of a new cluster. */
export interface RaftInitialState {
  readonly hardState: HardState | undefined;
  /** The latest durable snapshot, if any. */
  readonly snapshot: SnapshotMeta | undefined;
  /** The log after the compaction point, without gaps. May begin before `snapshot.lastIncludedIndex` (kept for laggards). */
  readonly entries: readonly Entry[];
  /** Index and term of the entry just before `entries` (0, 0 for a whole log). */
  readonly compactedIndex: number;
  readonly compactedTerm: number;
  /** The founding configuration, or what a joining member was told: used only where neither snapshot nor log says otherwise. */
  readonly configuration: Configuration;
  /**
   * For a member that joins: the index as of which `configuration` is committed. Until its log has come that far it does not
   * campaign, and older configurations in it do not count. Default 0: one of the founders.
   */
  readonly configurationIndex?: number;
}

const noCodec: ConfigurationCodec = { encode: refuseToCode, decode: refuseToCode };

function refuseToCode(): never {
  throw new InvariantError('options: members change, and there is no configurationCodec');
}

/** Fills in the defaults. Throws InvariantError if a value makes no sense. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const electionTimeoutTicks = options.electionTimeoutTicks ?? 10;
  const resolved: ResolvedOptions = {
    id: options.id,
    seed: options.seed,
    electionTimeoutTicks,
    priority: options.priority ?? DEFAULT_PRIORITY,
    leaseReads: options.leaseReads,
    heartbeatTicks: options.heartbeatTicks ?? 1,
    maxAppendEntries: options.maxAppendEntries ?? 1000,
    maxAppendBytes: options.maxAppendBytes ?? 1024 * 1024,
    maxInflightMessages: options.maxInflightMessages ?? 256,
    maxInflightBytes: options.maxInflightBytes ?? 8 * 1024 * 1024,
    maxUncommittedBytes: options.maxUncommittedBytes ?? 16 * 1024 * 1024,
    maxForwardedBytes: options.maxForwardedBytes ?? 8 * 1024 * 1024,
    maxUnappliedBytes: options.maxUnappliedBytes ?? 64 * 1024 * 1024,
    proposalTimeoutTicks: options.proposalTimeoutTicks ?? 20 * electionTimeoutTicks,
    maxCommittedBytes: options.maxCommittedBytes ?? 8 * 1024 * 1024,
    maxPendingReads: options.maxPendingReads ?? 65_536,
    snapshotChunkBytes: options.snapshotChunkBytes ?? 256 * 1024,
    configurationCodec: options.configurationCodec ?? noCodec,
  };
  assert(resolved.id.length > 0, 'options: id must not be empty');
  assert(
    Number.isInteger(resolved.seed) && resolved.seed >= 0 && resolved.seed <= 0xffff_ffff,
    () => `options: seed ${resolved.seed} is no unsigned 32-bit number`,
  );
  for (const [name, value] of Object.entries(resolved)) {
    if (typeof value !== 'number' || name === 'seed' || name === 'priority') continue;
    assert(Number.isSafeInteger(value) && value > 0, () => `options: ${name} ${value} is no positive integer`);
  }
  assert(
    resolved.heartbeatTicks < resolved.electionTimeoutTicks,
    () => `options: heartbeatTicks ${resolved.heartbeatTicks} >= electionTimeoutTicks ${resolved.electionTimeoutTicks}`,
  );
  checkPriority(resolved.priority);
  checkLease(resolved);
  return resolved;
}

export function checkPriority(priority: number): void {
  const isSensible = Number.isInteger(priority) && priority >= 0 && priority <= MAX_PRIORITY;
  assert(isSensible, () => `priority ${priority} is no whole number from 0 to ${MAX_PRIORITY}`);
}

/** The length of a lease in ticks. */
export function leaseTicks(electionTimeoutTicks: number, maxDriftPerMille: number): number {
  return Math.floor(((electionTimeoutTicks - 1) * (1000 - maxDriftPerMille)) / 1000);
}

function checkLease({ leaseReads, electionTimeoutTicks, heartbeatTicks }: ResolvedOptions): void {
  if (leaseReads === undefined) return;
  const { maxDriftPerMille } = leaseReads;
  const isSensible = Number.isInteger(maxDriftPerMille) && maxDriftPerMille >= 0 && maxDriftPerMille < 1000;
  assert(isSensible, () => `options: maxDriftPerMille ${maxDriftPerMille} is not 0 to 999`);
  const ticks = leaseTicks(electionTimeoutTicks, maxDriftPerMille);
  assert(ticks > heartbeatTicks, () => `options: a lease of ${ticks} ticks is over before the next heartbeat`);
}
