// What is not TypeScript may pass anything: it is told so with a RaftkvError, and the client and its other calls live on.
import { describe, expect, it } from 'vitest';
import { RaftkvError, connect } from '../src/index.ts';
import type { Kv } from '../src/index.ts';
import { FakeCluster, client, closeLater } from './fake-cluster.ts';

type AnyCall = (...args: unknown[]) => unknown;
const junk: readonly unknown[] = [null, 5, Number.NaN, {}, [], Symbol('s'), 'text', () => 1, new Date()];

describe('nonsense', () => {
  it('given to any call is refused with a RaftkvError or has a meaning, and harms no other call', async () => {
    const kv = client(new FakeCluster());
    await kv.put('a', 1);
    const calls = ['get', 'getEntry', 'put', 'delete', 'count', 'batch', 'compact', 'scan', 'watch', 'deleteRange'];
    for (const name of calls) {
      for (const value of junk) {
        for (const args of [[value], ['a', value], [{ all: true }, value]]) {
          if (name !== 'put' && args.length > 1 && value === null) continue; // options are not read then
          const alongside = kv.get('a');
          const error = await failureOf(kv, name, args);
          if (error !== undefined) expect(error, `${name}(${args.map(String).join(', ')})`).toBeInstanceOf(RaftkvError);
          if (error instanceof RaftkvError) expect(error.code).not.toBe('internal');
          await alongside;
        }
      }
      await kv.put('a', 1);
    }
  });

  it('given to connect is refused with `invalid_argument`', () => {
    const options: readonly unknown[] = [
      undefined,
      null,
      {},
      { endpoints: 'localhost:8080' },
      { endpoints: [5] },
      { endpoints: [''] },
      { endpoints: ['a'], codec: {} },
      { endpoints: ['a'], keys: 'both' },
      { endpoints: ['a'], compression: true },
      { endpoints: ['a'], compression: { deflate: (bytes: Uint8Array) => bytes } },
    ];
    for (const each of options) {
      const make = (): void => closeLater(connect(each as Parameters<typeof connect>[0]));
      expect(make, JSON.stringify(each)).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
    }
  });
});

async function failureOf(kv: Kv, name: string, args: readonly unknown[]): Promise<unknown> {
  try {
    const begun = (kv[name as keyof Kv] as AnyCall).apply(kv, [...args]) as Partial<{ all: AnyCall; close: AnyCall }>;
    if (name === 'watch') begun.close?.();
    else await (name === 'scan' ? begun.all?.() : begun);
    return undefined;
  } catch (error) {
    return error;
  }
}
