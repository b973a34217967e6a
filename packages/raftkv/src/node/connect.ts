// `connect` for Node: the client's own, dialling through the `ws` package and deflating through zlib unless told otherwise.
import { connect as connectAnywhere, webSocketDial } from '@raftkv/client';
import type { ConnectOptions } from '@raftkv/client';
import { nodeWebSocket } from '@raftkv/transport/node';
import { deflateCompression } from '@raftkv/wire';
import type { Compression } from '@raftkv/wire';
import { deflate } from './deflate.ts';

const zlibCompression: Compression = { ...deflateCompression, deflate };

/**
 * A client of a cluster. It answers at once and connects in the background; calls wait for it. Throws `invalid_argument` for options that
 * make no sense.
 *
 * @example
 * ```ts
 * const kv = connect({ endpoints: ['127.0.0.1:8080', '127.0.0.1:8081', '127.0.0.1:8082'] });
 * await kv.put('greeting', { text: 'hello' });
 * await kv.get('greeting'); // { text: 'hello' }
 * await kv.close();
 * ```
 */
export const connect = ((options: ConnectOptions) =>
  connectAnywhere({
    dial: webSocketDial(nodeWebSocket()),
    compression: zlibCompression,
    ...options,
  })) as typeof connectAnywhere;
