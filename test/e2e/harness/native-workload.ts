// A workload client over raftkv's own TypeScript client: sessions, retries and leader discovery as a user has them. Values are
// plain text, so that the gateway's clients can take part in the same history.
import { connect, text } from 'raftkv';
import type { Kv } from 'raftkv';
import type { WorkloadClient } from './workload.ts';

export class NativeWorkloadClient implements WorkloadClient {
  private readonly kv: Kv<string>;

  private constructor(kv: Kv<string>) {
    this.kv = kv;
  }

  /** `first`: the endpoint that is tried first. `requestTimeoutMilliseconds`: default 3000. */
  static connect(
    addresses: readonly string[],
    { first, requestTimeoutMilliseconds = 3000 }: { first: number; requestTimeoutMilliseconds?: number },
  ): NativeWorkloadClient {
    const endpoints = [...addresses.slice(first % addresses.length), ...addresses.slice(0, first % addresses.length)];
    return new NativeWorkloadClient(connect({ endpoints, codec: text, requestTimeoutMilliseconds }));
  }

  async get(key: string): Promise<string | null> {
    return (await this.kv.get(key)) ?? null;
  }

  put(key: string, value: string): Promise<number> {
    return this.kv.put(key, value);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.kv.delete(key)).deleted;
  }

  async cas(key: string, old: string | null, value: string): Promise<boolean> {
    const condition = old === null ? { key, exists: false } : { key, value: old };
    const { succeeded } = await this.kv.txn().if(condition).then({ type: 'put', key, value }).commit();
    return succeeded;
  }

  close(): Promise<void> {
    return this.kv.close();
  }
}
