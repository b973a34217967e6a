import { connect, bytes } from './dist/index.js';
import { serveClient } from '../server/dist/index.js';
import { Store } from '../kv/dist/index.js';
import { decodeCommand } from '../wire/dist/index.js';
import { memoryChannelPair } from '../transport/dist/index.js';
const store = new Store();
let index = 0;
const pendingW = [];
let due = false;
const status = {
  clusterId: 'c0ffee00c0ffee00',
  memberId: '1',
  name: 'n',
  version: '0',
  phase: 'running',
  role: 'leader',
  term: 1,
  leaderId: '1',
  leader: 'n:1',
  commitIndex: 1,
  appliedIndex: 1,
  lastIndex: 1,
  firstIndex: 1,
  snapshotIndex: 0,
  revision: 1,
  compactedRevision: 0,
  keys: 0,
  dataBytes: 0,
  syncWrites: true,
  uptimeSeconds: 1,
  members: [],
};
const node = {
  clusterId: status.clusterId,
  get revision() {
    return store.revision;
  },
  leader: 'n:1',
  writeWith(c, cb) {
    const env = decodeCommand(c);
    pendingW.push([env, cb]);
    if (!due) {
      due = true;
      setImmediate(() => {
        due = false;
        for (const [e, f] of pendingW.splice(0)) f(undefined, store.apply(++index, e));
      });
    }
  },
  linearize() {
    return new Promise((r) => setImmediate(r));
  },
  getLocal(k, o) {
    return store.get(k, o);
  },
  scanLocal(r, o) {
    return store.scan(r, o);
  },
  onLeaderChange() {
    return () => {};
  },
  status() {
    return status;
  },
  watch() {},
};
const kv = connect({
  endpoints: ['n:1'],
  codec: bytes,
  dial: async () => {
    const p = memoryChannelPair();
    serveClient(p.right, node);
    return p.left;
  },
});
const value = crypto.getRandomValues(new Uint8Array(1024));
async function run(name, callers, total, f) {
  let i = 0;
  const t = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (i < total) {
        const n = i++;
        await f(n);
      }
    }),
  );
  const dt = performance.now() - t;
  const c = process.cpuUsage(cpu);
  console.log(
    name,
    callers,
    'callers',
    Math.round((total / dt) * 1000),
    '/s',
    ((c.user + c.system) / total).toFixed(1),
    'us cpu/op',
  );
}
for (let r = 0; r < 2; r++) {
  await run('put', 1, 3000, (n) => kv.put('key' + String(n % 10000).padStart(12, '0'), value));
  await run('put', 128, 100000, (n) => kv.put('key' + String(n % 10000).padStart(12, '0'), value));
  await run('put', 1000, 100000, (n) => kv.put('key' + String(n % 10000).padStart(12, '0'), value));
  await run('get', 128, 100000, (n) => kv.get('key' + String(n % 10000).padStart(12, '0')));
  await run('get', 1000, 200000, (n) => kv.get('key' + String(n % 10000).padStart(12, '0')));
}
await kv.close();
