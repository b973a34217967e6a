// Loaded into a member by `--import`, in tests alone: at SIGUSR2 its event loop does nothing for as many milliseconds as the file says whose name is in
// RAFTKV_TEST_STALL. Timers, sockets and disk answers wait meanwhile, as in a long collection of garbage. Made by stalls.ts.
import { readFileSync } from 'node:fs';

const nobodyWakesIt = new Int32Array(new SharedArrayBuffer(4));

process.on('SIGUSR2', () => {
  Atomics.wait(nobodyWakesIt, 0, 0, Number(readFileSync(process.env.RAFTKV_TEST_STALL, 'utf8')));
});
