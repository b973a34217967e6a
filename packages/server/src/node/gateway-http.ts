// The gateway's HTTP side: bodies in, replies out, and the streams of /v3/watch, one line a chunk. Knows nothing of what the
// messages mean.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from '../gateway/gateway.ts';
import { parseJson } from '../gateway/json.ts';
import { JsonSplitter } from '../gateway/json-splitter.ts';
import { refusalOf, refusals } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import type { WatchSink, WatchStream } from '../gateway/watch.ts';
import type { Metrics } from '../metrics.ts';
import { discardBody, readBody } from './body.ts';
import type { HttpLimits } from './http-limits.ts';
import { sendJson } from './reply.ts';

export interface GatewayHttp {
  /** One POST to a path that the gateway has. Never rejects. */
  call(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
  watch(request: IncomingMessage, response: ServerResponse): void;
  /** Ends every watch in order; later ones are refused. */
  endWatches(): void;
}

/** The reply to a watch begins at once even if the client has asked for nothing yet: by then a fault in its first message was seen. */
const quietStartMilliseconds = 50;

export function createGatewayHttp(gateway: Gateway, metrics: Metrics, limits: HttpLimits): GatewayHttp {
  const streams = new Set<WatchStream>();
  const unsent = { bytes: 0 };
  let callsAtWork = 0;
  let isClosing = false;
  return {
    async call(path, request, response) {
      if (callsAtWork >= limits.maxConcurrentRequests) return refuse(request, response, refusals.busy(), 503);
      callsAtWork++;
      try {
        await answerCall({ gateway, metrics, limits, path, request, response, unsent });
      } finally {
        callsAtWork--;
      }
    },
    watch(request, response) {
      if (isClosing) return refuse(request, response, refusals.stopped());
      if (streams.size >= limits.maxWatchStreams) return refuse(request, response, refusals.busy(), 503);
      const stream = serveWatch({ gateway, metrics, limits, request, response });
      streams.add(stream);
      metrics.addConnections('httpWatch', 1);
      response.once('close', () => {
        streams.delete(stream);
        metrics.addConnections('httpWatch', -1);
      });
    },
    endWatches() {
      isClosing = true;
      for (const stream of streams) stream.end();
    },
  };
}

interface Exchange {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly limits: HttpLimits;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers below this are not counted one by one: they are limited in number. */
const largeAnswerLength = 64 * 1024;

interface Call extends Exchange {
  readonly path: string;
  /** Length of the large answers that are on their way to clients. */
  readonly unsent: { bytes: number };
}

async function answerCall(call: Call): Promise<void> {
  const { gateway, metrics, limits, path, request, response, unsent } = call;
  const body = await readBody(request, limits);
  if (body.type === 'aborted') return;
  if (body.type === 'tooLarge') return refuse(request, response, refusals.requestTooLarge());
  if (body.type === 'tooSlow') return refuse(request, response, refusals.timedOut(), 408);
  const startedAt = performance.now();
  const reply = await gateway.handle(path, body.text, request.headers.origin !== undefined);
  metrics.observe(reply.operation, reply.result, (performance.now() - startedAt) / 1000);
  const { length } = reply.body;
  if (length > largeAnswerLength) {
    const isRead = reply.operation === 'get' || reply.operation === 'scan';
    if (isRead && unsent.bytes + length > limits.maxUnsentBytes) return refuse(request, response, refusals.busy(), 503);
    unsent.bytes += length;
    response.once('close', () => (unsent.bytes -= length));
  }
  sendJson(response, reply.httpStatus, reply.body);
}

function serveWatch(exchange: Exchange): WatchStream {
  const { gateway, metrics, limits, request, response } = exchange;
  const splitter = new JsonSplitter(limits.maxWatchMessageLength);
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  };
  const sink: WatchSink = {
    send(line) {
      begin();
      const canTakeMore = response.write(line);
      // Nor is more asked of us by a client that does not read the answers.
      if (!canTakeMore) request.pause();
      return canTakeMore;
    },
    end: () => response.end(),
    watchesChanged: (change) => metrics.addWatchers(change),
  };
  const stream = gateway.openWatch(sink);
  const receive = (text: string): void => {
    const startedAt = performance.now();
    const message = parseJson(text);
    if (message === undefined) return;
    stream.receive(message);
    metrics.observe('watch', 'ok', (performance.now() - startedAt) / 1000);
  };
  /** A malformed first message is answered with a status, a later one with a last line. */
  const guard = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const refusal = refusalOf(error);
      metrics.observe('watch', refusal.reason, 0);
      request.off('data', onData).off('end', onEnd);
      if (response.headersSent) stream.end(refusal);
      else {
        stream.close();
        refuse(request, response, refusal);
      }
    }
  };
  const onData = (chunk: string): void => guard(() => splitter.push(chunk).forEach(receive));
  const onEnd = (): void =>
    guard(() => {
      receive(splitter.finish());
      begin();
    });
  const timer = setTimeout(begin, quietStartMilliseconds);
  // A watch may be quiet for days, and the system's keep-alive tells whether the client is there.
  request.socket.setTimeout(0);
  request.setEncoding('utf8').on('data', onData).on('end', onEnd);
  response.on('drain', () => {
    request.resume();
    stream.drained();
  });
  response.once('close', () => {
    clearTimeout(timer);
    stream.close();
  });
  return stream;
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
  httpStatus = refusal.httpStatus,
): void {
  // What is left of the body is not worth waiting for.
  if (!request.complete) response.setHeader('connection', 'close');
  sendJson(response, httpStatus, refusal.body());
  if (!request.complete) discardBody(request);
}
