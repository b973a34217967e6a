// A workload client over raftkv's own TypeScript client: sessions, retries and leader discovery as a user has them. Values are
// plain text, so that the gateway's clients can take part in the same history.
import { connect, text } from 'raftkv';
import type { Kv } from 'raftkv';
import type { WorkloadClient } from './workload.ts';

export class NativeWorkloadClient implements WorkloadClient {
  private readonly kv: Kv<string>;
  private readonly how: { readonly timeoutMilliseconds: number };

  private constructor(kv: Kv<string>, timeoutMilliseconds: number) {
    this.kv = kv;
    this.how = { timeoutMilliseconds };
  }

  /** `first`: the endpoint that is tried first. `timeoutMilliseconds`: of a request with all its attempts, none of which is waited for longer than for 3000. */
  static connect(
    addresses: readonly string[],
    { first, timeoutMilliseconds = 3000 }: { first: number; timeoutMilliseconds?: number },
  ): NativeWorkloadClient {
    const endpoints = [...addresses.slice(first % addresses.length), ...addresses.slice(0, first % addresses.length)];
    return new NativeWorkloadClient(
      connect({ endpoints, codec: text, requestTimeoutMilliseconds: 3000 }),
      timeoutMilliseconds,
    );
  }

  async get(key: string): Promise<string | null> {
    return (await this.kv.get(key, this.how)) ?? null;
  }

  put(key: string, value: string): Promise<number> {
    return this.kv.put(key, value, this.how);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.kv.delete(key, this.how)).deleted;
  }

  async cas(key: string, old: string | null, value: string): Promise<boolean> {
    const condition = old === null ? { key, exists: false } : { key, value: old };
    const { succeeded } = await this.kv.txn().if(condition).then({ type: 'put', key, value }).commit(this.how);
    return succeeded;
  }

  close(): Promise<void> {
    return this.kv.close();
  }
}
