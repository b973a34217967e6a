// Reads the body of one request within its limits, and gets rid of one that is over them without breaking the reply.
import type { IncomingMessage } from 'node:http';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMilliseconds: number;
}

/** `aborted`: the client is gone, and nobody waits for an answer. */
export type BodyResult =
  | { readonly type: 'body'; readonly text: string }
  | { readonly type: 'tooLarge' }
  | { readonly type: 'tooSlow' }
  | { readonly type: 'aborted' };

/** Never rejects. After `tooLarge` or `tooSlow` the caller answers and calls `discardBody`. */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyResult> {
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes)
    return Promise.resolve({ type: 'tooLarge' });
  return new Promise((resolve) => {
    // One buffer that grows, not the chunks: a body in chunks of one byte would cost hundreds of bytes for each.
    let held: Buffer = noBytes;
    let bytes = 0;
    const finish = (result: BodyResult): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      if (bytes + chunk.length > limits.maxBodyBytes) return finish({ type: 'tooLarge' });
      if (bytes === 0) held = chunk;
      else {
        if (bytes + chunk.length > held.length) held = grown(held, bytes, chunk.length);
        chunk.copy(held, bytes);
      }
      bytes += chunk.length;
    };
    const onEnd = (): void => finish({ type: 'body', text: held.toString('utf8', 0, bytes) });
    const onClose = (): void => finish({ type: 'aborted' });
    const timer = setTimeout(() => finish({ type: 'tooSlow' }), limits.bodyTimeoutMilliseconds);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

const noBytes = Buffer.alloc(0);

function grown(held: Buffer, bytes: number, more: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(bytes * 2, bytes + more));
  held.copy(larger, 0, 0, bytes);
  return larger;
}

/** How long a client may go on sending what nobody reads. */
const discardMilliseconds = 1000;

/**
 * Lets the rest of a refused body run into nothing for a moment, then cuts the connection: cutting it at once would
 * take the reply away from a client that is still sending.
 */
export function discardBody(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), discardMilliseconds);
  request.socket.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
}
