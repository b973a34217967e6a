// Frames and megabytes a second over one loopback WebSocket between two processes, one way, as fast as backpressure lets.
// Run from the root after `npx tsc -b packages/transport/tsconfig.node.json`: node packages/transport/bench/frames.mjs [seconds]
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { dialWebSocket } from '../dist/index.js';
import { acceptWebSockets, nodeWebSocket } from '../dist/node/index.js';

const maxFrameBytes = 2 * 1024 * 1024;
const sizes = [1024, 64 * 1024, 1024 * 1024];
const seconds = Number(process.argv[2] ?? 2);

if (process.env.BENCH_SINK === '1') sink();
else await source();

/** Counts what comes in, and answers a one-byte frame with the counts. */
function sink() {
  const server = createServer();
  acceptWebSockets(server, [
    {
      path: '/bench',
      protocol: 'bench.v1',
      maxFrameBytes,
      onChannel: (channel) => {
        let frames = 0;
        channel.start({
          onFrame: (frame) => {
            if (frame.length > 1) frames += 1;
            else channel.send(new Uint8Array(Uint32Array.of(frames).buffer));
          },
          onClose: () => {},
        });
      },
    },
  ]);
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
}

async function source() {
  const child = fork(new URL(import.meta.url), { env: { ...process.env, BENCH_SINK: '1' } });
  const port = await new Promise((resolve) => child.once('message', resolve));
  console.log('mask    frame      frames/s      MB/s');
  for (const isMasked of [true, false]) {
    for (const size of sizes) {
      const { frames, elapsed } = await run(port, size, isMasked);
      const rate = frames / elapsed;
      const columns = [
        isMasked ? 'random' : 'zero  ',
        `${size / 1024} KiB`.padStart(8),
        rate.toFixed(0).padStart(13),
        ((rate * size) / 1e6).toFixed(0).padStart(9),
      ];
      console.log(columns.join(' '));
    }
  }
  child.kill();
}

async function run(port, size, isMasked) {
  const channel = await dialWebSocket(`ws://127.0.0.1:${port}/bench`, {
    protocol: 'bench.v1',
    maxFrameBytes,
    highWaterBytes: 4 * 1024 * 1024,
    lowWaterBytes: 1024 * 1024,
    WebSocket: nodeWebSocket({ maxFrameBytes, isMasked }),
  });
  const frame = new Uint8Array(size).fill(7);
  let wake = () => {};
  let answer = () => {};
  channel.start({ onFrame: (reply) => answer(reply), onClose: () => {}, onDrain: () => wake() });
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  while (performance.now() < endAt) {
    // A turn's worth, then let the event loop breathe, as a replica would.
    let mayGoOn = true;
    for (let count = 0; count < 64 && mayGoOn; count += 1) mayGoOn = channel.send(frame);
    if (mayGoOn) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => (wake = resolve));
  }
  const counted = new Promise((resolve) => (answer = resolve));
  channel.send(Uint8Array.of(0));
  const reply = await counted;
  const elapsed = (performance.now() - startedAt) / 1000;
  channel.close();
  return { frames: new Uint32Array(reply.slice().buffer)[0], elapsed };
}
