// Free ports for servers that are started, killed and started again on the same port. They lie below the range from which
// the kernel takes ports for outgoing connections, so that none is lost while its server is down.
import net from 'node:net';

/** A part of the range for each worker of a suite: a port that is free is not taken yet, and two that ask at the same time must not get the same one. */
const WORKERS = 4;
const PORTS = 3_000;
const FIRST_PORT = 20_000 + (Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS) * PORTS;
const LAST_PORT = FIRST_PORT + PORTS - 1;

/** From a random place on, since others on this machine may look for ports too. A port that was given away is not given again: its server may only be down. */
let next = Math.floor(Math.random() * PORTS);

/** `count` ports on 127.0.0.1 that nothing listens on, in a row. */
export async function freePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if (next + count > PORTS) next = 0;
    const ports = Array.from({ length: count }, (_, index) => FIRST_PORT + next + index);
    next += count;
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`no ${count} free ports in a row between ${FIRST_PORT} and ${LAST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
