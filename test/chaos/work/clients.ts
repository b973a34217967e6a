// The clients of a run: raftkv's own, with its sessions and retries, as a user has it; and one of etcd's gateway that shares no code with it.
import { connect, text } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { GatewayClient } from '../../e2e/harness/gateway.ts';
import type { Seen } from './act.ts';
import type { ChaosClient } from './client-loop.ts';

const requestTimeoutMilliseconds = 3000;

/** A connection as a user makes it. `first`: the endpoint that is tried first. */
export function connectFrom(addresses: readonly string[], first: number): ClusterKv<string> {
  const at = first % addresses.length;
  const endpoints = [...addresses.slice(at), ...addresses.slice(0, at)];
  return connect({ endpoints, codec: text, requestTimeoutMilliseconds });
}

export function nativeClient(addresses: readonly string[], first: number): ChaosClient {
  const kv = connectFrom(addresses, first);
  return {
    async get(key) {
      const entry = await kv.getEntry(key);
      return entry === undefined ? undefined : seen(entry);
    },
    put: async (key, value) => ({ revision: await kv.put(key, value) }),
    async delete(key) {
      const { deleted, revision } = await kv.delete(key);
      return { ok: deleted, ...(deleted ? { revision } : {}) };
    },
    async cas(key, expected, value) {
      const condition = expected === null ? { key, exists: false } : { key, value: expected };
      const { succeeded, revision } = await kv.txn().if(condition).then({ type: 'put', key, value }).commit();
      return { ok: succeeded, ...(succeeded ? { revision } : {}) };
    },
    many: {
      async batch(writes) {
        const ops = writes.map(({ key, value }) =>
          value === null ? ({ type: 'delete', key } as const) : ({ type: 'put', key, value } as const),
        );
        return { revision: (await kv.batch(ops)).revision };
      },
      async writeIfUnchanged(keys, writes) {
        const conditions = keys.map(({ key, revision }) => ({ key, revision: revision ?? 0 }));
        const puts = writes.map(({ key, value }) => ({ type: 'put', key, value: value ?? '' }) as const);
        const { succeeded, revision } = await kv
          .txn()
          .if(...conditions)
          .then(...puts)
          .commit();
        return { ok: succeeded, ...(succeeded ? { revision } : {}) };
      },
      async scan(prefix) {
        const found: Seen[] = [];
        let revision = 0;
        // Small pages, so that a scan is several requests and members may fall in between.
        for await (const page of kv.scan({ prefix, pageSize: 4 }).pages()) {
          revision = page.revision;
          found.push(...page.entries.map(seen));
        }
        return { revision, seen: found };
      },
    },
    close: () => kv.close(),
  };
}

/** It never retries: the gateway's writes carry no session of the client, so a second try could be a second write. */
export function gatewayClient(addresses: readonly string[], first: number): ChaosClient {
  const how = { timeoutMilliseconds: requestTimeoutMilliseconds, isPatient: false };
  const gateways = addresses.map((address) => new GatewayClient(address, how));
  let turn = first;
  const next = (): GatewayClient => gateways[turn++ % gateways.length]!;
  return {
    async get(key) {
      const value = await next().get(key);
      return value === null ? undefined : { key, value };
    },
    put: async (key, value) => ({ revision: await next().put(key, value) }),
    delete: async (key) => ({ ok: (await next().delete(key)) > 0 }),
    cas: async (key, expected, value) => ({ ok: await next().cas(key, expected, value) }),
    close: () => {
      for (const gateway of gateways) gateway.close();
    },
  };
}

function seen({ key, value, revision }: Seen & { readonly revision: number }): Seen {
  return { key, value, revision };
}
