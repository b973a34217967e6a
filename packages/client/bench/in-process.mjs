// The cost of asking: client, frames and server session over memory channels and a store, without consensus, disk or network. Prints
// operations a second and CPU time an operation, all in one process. Run after a build: node packages/client/bench/in-process.mjs
import { bytes, connect } from '@raftkv/client';
import { Store } from '@raftkv/kv';
import { serveClient } from '@raftkv/server';
import { memoryChannelPair } from '@raftkv/transport';
import { decodeCommand } from '@raftkv/wire';

const store = new Store();
let index = 0;
let writes = [];

/** As a member does, it answers the writes and confirms the reads of a turn together. */
const node = {
  clusterId: 'c0ffee00c0ffee00',
  leader: 'node:1',
  get revision() {
    return store.revision;
  },
  writeWith(command, callback) {
    if (writes.length === 0) setImmediate(applyWrites);
    writes.push({ envelope: decodeCommand(command), callback });
  },
  linearize: () => new Promise((resolve) => setImmediate(resolve)),
  getLocal: (key, options) => store.get(key, { revision: options.revision }),
  onLeaderChange: () => () => {},
  onMembersChange: () => () => {},
  status: () => ({ clusterId: node.clusterId, memberId: '1', name: 'node', leader: node.leader, members: [] }),
};

function applyWrites() {
  const applied = writes;
  writes = [];
  for (const { envelope, callback } of applied) callback(undefined, store.apply(++index, envelope));
}

const kv = connect({
  endpoints: ['node:1'],
  codec: bytes,
  dial: async () => {
    const { left, right } = memoryChannelPair();
    serveClient(right, node);
    return left;
  },
});

async function run(name, callers, total, operation) {
  let begun = 0;
  const started = performance.now();
  const before = process.cpuUsage();
  const caller = async () => {
    while (begun < total) await operation(begun++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  console.log(
    `${name} ${String(callers).padStart(5)} callers ${String(Math.round(total / seconds)).padStart(8)} /s`,
    `${((user + system) / total).toFixed(1).padStart(6)} µs CPU`,
  );
}

const value = crypto.getRandomValues(new Uint8Array(1024));
const keyOf = (n) => `key${String(n % 10_000).padStart(12, '0')}`;
for (let round = 0; round < 2; round++) {
  console.log(round === 0 ? 'cold' : 'warm');
  for (const callers of [1, 128, 1000]) {
    await run('put', callers, callers === 1 ? 3_000 : 100_000, (n) => kv.put(keyOf(n), value));
    await run('get', callers, callers === 1 ? 3_000 : 100_000, (n) => kv.get(keyOf(n)));
  }
}
await kv.close();
