// Child of `observers.mjs`: holds many observers of one member, each with a connection of its own, in one process. It tells its parent how far they all
// are and how late changes came; it keeps no copies, since it is the member that is measured.
import { inflateRawSync } from 'node:zlib';
import { dialWebSocket } from '@raftkv/transport';
import { nodeWebSocket } from '@raftkv/transport/node';
import { decodeFeedChanges, decodeServerFrame, encodeClientFrame, feedBytes } from '@raftkv/wire';

const [endpoint, count] = process.argv.slice(2);
const WebSocket = nodeWebSocket();
let latencies = [];
let bytes = 0;
let messages = 0;
let complete = 0;
let ended = 0;

/** As the client does. */
const reportBytes = 64 * 1024;

class Observer {
  revision = 0;
  consumedBytes = 0;

  constructor(isSampled) {
    this.isSampled = isSampled;
  }

  async open() {
    this.channel = await dialWebSocket(`ws://${endpoint}/ws`, {
      protocol: 'raftkv.v1',
      signal: AbortSignal.timeout(30_000),
      WebSocket,
    });
    this.channel.start({
      onFrame: (frame) => decodeServerFrame(frame).forEach((message) => this.receive(message)),
      onClose: (error) => {
        ended += 1;
        console.error(`an observer was cut off: ${error?.message}`);
      },
    });
    this.channel.send(
      encodeClientFrame([
        { type: 'hello', versions: [1] },
        { type: 'observe', id: 1, from: 0, ranges: [] },
      ]),
    );
    setInterval(() => this.channel.send(encodeClientFrame([{ type: 'ping', id: 2 }])), 15_000).unref();
  }

  receive(message) {
    if (message.payload === undefined) return;
    messages += 1;
    bytes += message.payload.length;
    if (message.isDone) complete += 1;
    if (message.type === 'feedChanges') this.revision = message.revision;
    if (this.isSampled && message.type === 'feedChanges') this.sample(message);
    this.consumedBytes += feedBytes(message);
    if (this.consumedBytes < reportBytes) return;
    this.channel.send(encodeClientFrame([{ type: 'watchConsumed', id: 1, bytes: this.consumedBytes }]));
    this.consumedBytes = 0;
  }

  /** Values begin with the time at which they were sent off. */
  sample({ isDeflated, payload }) {
    const now = performance.timeOrigin + performance.now();
    for (const { events } of decodeFeedChanges(isDeflated ? inflateRawSync(payload) : payload)) {
      for (const { entry } of events) {
        if (entry?.value.length > 8) latencies.push(now - Buffer.from(entry.value).readDoubleLE(0));
      }
    }
  }
}

const observers = Array.from({ length: Number(count) }, (_, at) => new Observer(at === 0 || at === Number(count) - 1));
// A few at a time: a listener's backlog is not what is measured here.
for (let at = 0; at < observers.length; at += 25) {
  await Promise.all(observers.slice(at, at + 25).map((observer) => observer.open()));
}

process.on('message', (ask) => {
  if (ask === 'reset') [latencies, bytes, messages] = [[], 0, 0];
  const revisions = observers.map(({ revision }) => revision);
  process.send({ complete, ended, bytes, messages, latencies, slowest: Math.min(...revisions) });
});
process.send('open');
