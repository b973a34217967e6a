// The page of the suite about kept writes: a replica with an outbox, in reach of what a test evaluates in the tab.
import { openReplica } from 'raftkv';
import type { Condition, LiveKv, OutboxStatus, Write } from 'raftkv';
import { keptWrites } from 'raftkv/outbox';
import { Client, json, settle, viewOf } from '@raftkv/client/parts';
import { encodeCommand } from '@raftkv/wire';
import { durabilities, watchDurabilities } from './durabilities.ts';

interface SeenWrite {
  readonly keys: readonly unknown[];
  readonly status: string;
  readonly kept: boolean | undefined;
  readonly code: string | undefined;
  readonly definite: boolean | undefined;
  readonly found: readonly unknown[] | undefined;
}

watchDurabilities();

const outboxLab = {
  durabilities,
  kv: undefined as LiveKv | undefined,
  writes: [] as Write<unknown>[],
  endpoints: [] as readonly string[],
  open: async (endpoints: readonly string[], isOnline: boolean): Promise<void> => {
    outboxLab.endpoints = endpoints;
    // A page that is offline from its first moment on: nobody listens there.
    const kv = await openReplica({ endpoints: isOnline ? endpoints : ['127.0.0.1:9'], outbox: keptWrites() });
    outboxLab.kv = kv;
  },
  /** Resolves when all are on the disk, or refused. */
  write: async (
    key: string,
    first: number,
    count: number,
    conditions?: readonly Condition<unknown>[],
    ballast?: string,
  ): Promise<void> => {
    const valueOf = (number: number): unknown => (ballast === undefined ? number : [number, ballast]);
    const writes = Array.from({ length: count }, (_, i) =>
      outboxLab.kv!.mutate(
        [{ type: 'put', key, value: valueOf(first + i) }],
        conditions === undefined ? {} : { if: conditions },
      ),
    );
    outboxLab.writes.push(...writes);
    await Promise.all(writes.map((write) => settledOr(write, ({ kept }) => kept === true)));
  },
  status: (): Omit<OutboxStatus, 'error'> & { readonly error: string | undefined } => {
    const status = outboxLab.kv!.outbox!.status.getSnapshot();
    return { ...status, error: status.error?.code };
  },
  seen: (): SeenWrite[] => outboxLab.kv!.writes.getSnapshot().map(seenOf),
  last: (): SeenWrite => seenOf(outboxLab.writes.at(-1)!),
  retry: async (at: number): Promise<void> => {
    await outboxLab.kv!.outbox!.retry(outboxLab.kv!.writes.getSnapshot()[at]!).committed;
  },
  discard: (at: number): Promise<void> => outboxLab.kv!.outbox!.discard(outboxLab.kv!.writes.getSnapshot()[at]!),
  /** Nobody knows any session any more, as after 10,000 others. */
  forgetSessions: async (): Promise<void> => {
    const client = new Client(settle({ endpoints: outboxLab.endpoints }), viewOf(json, 'text'));
    const { appliedIndex } = await client.status();
    for (let clientId = 1; clientId <= appliedIndex; clientId += 1) {
      const command = encodeCommand({ session: undefined, command: { type: 'closeSession', clientId } });
      await client
        .ask(
          'write',
          () => ({ type: 'write', id: 0, command }),
          {},
          (answer) => answer,
        )
        .catch(() => {});
    }
    await client.close();
  },
};

function seenOf({ keys, state }: Write<unknown>): SeenWrite {
  const { status, kept, error } = state.getSnapshot();
  return { keys, status, kept, code: error?.code, definite: error?.definite, found: error?.found };
}

function settledOr({ state }: Write<unknown>, isEnough: (now: { readonly kept?: boolean }) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      const now = state.getSnapshot();
      if (isEnough(now) || !['local', 'sent'].includes(now.status)) resolve();
    };
    state.subscribe(look);
    look();
  });
}

declare global {
  // Seen by the functions that a test evaluates in the page.
  var outboxLab: OutboxLab;
}
export type OutboxLab = typeof outboxLab;

globalThis.outboxLab = outboxLab;
