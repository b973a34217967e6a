// The way in: options checked, a client made.
import { deflateCompression } from '@raftkv/wire';
import { ClusterClient } from './admin.ts';
import type { ClusterKv } from './admin.ts';
import { json } from './codec.ts';
import type { Codec } from './codec.ts';
import { viewOf } from './entry.ts';
import type { UserKey } from './entry.ts';
import { settle } from './options.ts';
import type { ConnectOptions } from './options.ts';

/**
 * A client of a cluster. It answers at once and connects in the background; calls wait for it. Throws `invalid_argument` for options that
 * make no sense.
 *
 * @example
 * ```ts
 * const kv = connect({ endpoints: ['127.0.0.1:8080', '127.0.0.1:8081', '127.0.0.1:8082'] });
 * const revision = await kv.put('greeting', { text: 'hello' });
 * await kv.get('greeting'); // { text: 'hello' }
 * await kv.close();
 * ```
 */
export function connect<Value = unknown>(
  options: ConnectOptions<Value> & { readonly keys: 'bytes' },
): ClusterKv<Value, Uint8Array>;
export function connect<Value = unknown>(options: ConnectOptions<Value>): ClusterKv<Value>;
export function connect<Value, K extends UserKey>(options: ConnectOptions<Value>): ClusterKv<Value, K> {
  const settings = settle(options as ConnectOptions<never>, { compression: deflateCompression });
  const codec = options.codec ?? (json as Codec<unknown> as Codec<Value>);
  return new ClusterClient(settings, viewOf<Value, K>(codec, options.keys ?? 'text'));
}
