// Three answers about one member: alive (the process is not stopped), ready (it may be sent requests: it knows a leader and a
// linearizable read comes back in time, which also says that it has caught up), and healthy (the same, in etcd's form and with details).
import type { NodeStatus } from '@raftkv/wire';
import { RaftkvError } from '@raftkv/wire';
import type { KvNode } from '../node-api.ts';

export interface HealthReport {
  readonly httpStatus: 200 | 503;
  /** JSON. */
  readonly body: string;
}

export interface Health {
  livez(): HealthReport;
  readyz(): Promise<HealthReport>;
  health(): Promise<HealthReport>;
}

/** A probe's outcome is shared by all who ask within this time, so that asking often costs nothing. */
const probeFreshMilliseconds = 100;

export interface HealthOptions {
  /** How long the read probe may take. Default 1,000, etcd's. */
  readonly probeTimeoutMilliseconds?: number;
  /** Further reasons not to be ready, asked each time: the composition root's (closing, disk). */
  readonly reasons?: () => readonly string[];
}

export function createHealth(node: KvNode, options: HealthOptions = {}): Health {
  const probe = createProbe(node, options.probeTimeoutMilliseconds ?? 1000);
  const findReasons = async (): Promise<readonly string[]> => {
    const reasons = [...statusReasons(node.status()), ...(options.reasons?.() ?? [])];
    const failure = reasons.length > 0 ? undefined : await probe();
    return failure === undefined ? reasons : [...reasons, failure];
  };
  return {
    livez: () => {
      const isAlive = node.status().phase !== 'stopped';
      return report(isAlive, { alive: isAlive, ...(isAlive ? {} : { reason: 'the member is stopped' }) });
    },
    readyz: async () => {
      const reasons = await findReasons();
      return report(reasons.length === 0, { ready: reasons.length === 0, reasons });
    },
    health: async () => {
      const reasons = await findReasons();
      const status = node.status();
      const { phase, role, leader, term, commitIndex, appliedIndex, revision, name, memberId, clusterId, syncWrites } =
        status;
      const links = status.members.flatMap(({ name: to, link }) => (link === undefined ? [] : [{ to, ...link }]));
      const isHealthy = reasons.length === 0;
      return report(isHealthy, {
        // A string, as clients of etcd expect.
        health: String(isHealthy),
        ...(isHealthy ? {} : { reason: reasons.join('; ') }),
        name,
        memberId,
        clusterId,
        phase,
        role,
        leader: leader ?? null,
        term,
        commitIndex,
        appliedIndex,
        revision,
        syncWrites,
        links,
      });
    },
  };
}

/** What the member's own words already say against it. */
function statusReasons(status: NodeStatus): readonly string[] {
  if (status.phase === 'stopped') return ['the member is stopped'];
  if (status.phase === 'founding') return ['the cluster is being founded'];
  return status.leaderId === undefined ? ['no leader is known'] : [];
}

/** A linearizable read with a time limit; at most one is under way. Resolves with why it failed, or undefined. */
function createProbe(node: KvNode, timeoutMilliseconds: number): () => Promise<string | undefined> {
  let current: Promise<string | undefined> | undefined;
  return () => {
    current ??= runProbe(node, timeoutMilliseconds).finally(() => {
      setTimeout(() => {
        current = undefined;
      }, probeFreshMilliseconds).unref();
    });
    return current;
  };
}

async function runProbe(node: KvNode, timeoutMilliseconds: number): Promise<string | undefined> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      controller.abort();
      resolve(`a linearizable read took longer than ${timeoutMilliseconds} ms`);
    }, timeoutMilliseconds);
  });
  try {
    const read = node.linearize(controller.signal).then(
      () => undefined,
      (error: unknown) => `a linearizable read failed: ${RaftkvError.from(error).message}`,
    );
    return await Promise.race([read, late]);
  } catch (error) {
    return `a linearizable read failed: ${RaftkvError.from(error).message}`;
  } finally {
    clearTimeout(timer);
  }
}

function report(isGood: boolean, fields: object): HealthReport {
  return { httpStatus: isGood ? 200 : 503, body: `${JSON.stringify(fields)}\n` };
}
