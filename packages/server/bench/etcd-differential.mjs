// Sends the same seeded random requests to a real etcd and to a gateway of ours, and prints every answer that differs. Needs `etcd`
// on the path. By default ours is the gateway over one store in this process; with --target it is a running node.
//   node packages/server/bench/etcd-differential.mjs [--seed 1] [--requests 600] [--spoilt 0.15] [--target http://127.0.0.1:8080]
import { parseArgs } from 'node:util';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';
import { call, normalise, startEtcd, watch } from './etcd.mjs';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    requests: { type: 'string', default: '600' },
    spoilt: { type: 'string', default: '0.15' },
    target: { type: 'string' },
  },
});

const random = randomFrom(Number(flags.seed));
const below = (count) => Math.floor(random() * count);
const oneOf = (items) => items[below(items.length)];
const maybe = (chance, make) => (random() < chance ? make() : undefined);
const b64 = (text) => Buffer.from(text, 'latin1').toString('base64');

/** Few enough that requests meet; some that sort oddly. */
const keys = ['a', 'a\0', 'a/1', 'a/2', 'b', 'b\xff', 'c', '\0', '\xff', '\xff\xff', 'k1', 'k2'];
let revision = 1;
let compacted = 0;

const key = () => b64(oneOf(keys));
const value = () => b64(oneOf(['', '0', '1', '2', '\0', '\xff\xfe', 'x'.repeat(below(60))]));
const rangeEnd = () => oneOf([undefined, undefined, b64('\0'), key(), key()]);
const someRevision = (lowest = -1) =>
  oneOf([0, lowest, revision, revision, Math.max(1, revision - below(8)), below(revision + 3)]);
const number = (it) => oneOf([it, String(it)]);
const named = (snake, it) =>
  it === undefined ? {} : { [oneOf([snake, snake.replace(/_(.)/g, (_, unit) => unit.toUpperCase())])]: it };

/** In transactions etcd refuses the compacted revision itself, which it answers outside of them. We answer it. */
function txnRevision() {
  const chosen = someRevision(0);
  return chosen === compacted ? 0 : chosen;
}

/** Inside a transaction we take a negative revision for `now`, and see an unknown lease even in the branch not taken (README). */
function rangeRequest(inTxn = false) {
  return {
    key: key(),
    ...named('range_end', rangeEnd()),
    ...named(
      'limit',
      maybe(0.3, () => number(below(5) - 1)),
    ),
    ...named(
      'revision',
      maybe(0.3, () => number(inTxn ? txnRevision() : someRevision())),
    ),
    ...named(
      'sort_order',
      maybe(0.4, () => oneOf(['NONE', 'ASCEND', 'DESCEND', 0, 1, 2])),
    ),
    ...named(
      'sort_target',
      maybe(0.4, () => oneOf(['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE', 0, 1, 2, 3, 4])),
    ),
    ...named(
      'keys_only',
      maybe(0.15, () => true),
    ),
    ...named(
      'count_only',
      maybe(0.1, () => true),
    ),
    ...named(
      'serializable',
      maybe(0.2, () => true),
    ),
    ...named(
      'min_mod_revision',
      maybe(0.1, () => number(someRevision())),
    ),
    ...named(
      'max_mod_revision',
      maybe(0.1, () => number(someRevision())),
    ),
    ...named(
      'min_create_revision',
      maybe(0.1, () => number(someRevision())),
    ),
    ...named(
      'max_create_revision',
      maybe(0.1, () => number(someRevision())),
    ),
  };
}
const putRequest = (inTxn = false) => ({
  key: key(),
  value: value(),
  ...named(
    'prev_kv',
    maybe(0.3, () => true),
  ),
  ...maybe(inTxn ? 0 : 0.02, () => ({ lease: number(77) })),
  // Not inside a transaction (README).
  ...named(
    'ignore_value',
    maybe(inTxn ? 0 : 0.08, () => true),
  ),
  ...named(
    'ignore_lease',
    maybe(inTxn ? 0 : 0.05, () => true),
  ),
});
const deleteRequest = () => ({
  key: key(),
  ...named('range_end', rangeEnd()),
  ...named(
    'prev_kv',
    maybe(0.4, () => true),
  ),
});
const compare = () => ({
  key: key(),
  ...named('range_end', maybe(0.2, rangeEnd)),
  target: oneOf(['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE', 0, 1, 2, 3]),
  result: oneOf(['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL', 0, 1, 2, 3]),
  ...oneOf([
    { version: number(below(4)) },
    { create_revision: number(someRevision()) },
    { modRevision: number(someRevision()) },
    { value: value() },
    {},
  ]),
});
const list = (make, most) => Array.from({ length: below(most + 1) }, make);
function txnRequest(depth = 1) {
  const op = () => {
    const kind = below(depth < 4 ? 8 : 7);
    if (kind < 3) return named('request_put', putRequest(true));
    if (kind < 5) return named('request_range', rangeRequest(true));
    if (kind < 7) return named('request_delete_range', deleteRequest());
    return named('request_txn', txnRequest(depth + 1));
  };
  return { compare: list(compare, 2), success: list(op, 3), failure: list(op, 3) };
}

function nextRequest() {
  const kind = below(100);
  if (kind < 30) return ['kv/put', putRequest()];
  if (kind < 60) return ['kv/range', rangeRequest()];
  if (kind < 70) return ['kv/deleterange', deleteRequest()];
  if (kind < 94) return ['kv/txn', txnRequest()];
  if (kind < 96)
    return ['kv/compaction', { revision: number(oneOf([Math.max(1, revision - below(20)), revision + 5, -1])) }];
  return ['watch', { [oneOf(['create_request', 'createRequest'])]: watchCreate() }];
}
const watchCreate = () => ({
  key: key(),
  ...named('range_end', rangeEnd()),
  ...named('start_revision', number(Math.max(1, revision - below(12) + below(3)))),
  ...named(
    'prev_kv',
    maybe(0.5, () => true),
  ),
  ...maybe(0.3, () => ({ filters: list(() => oneOf(['NOPUT', 'NODELETE', 0, 1]), 2) })),
  ...named(
    'watch_id',
    maybe(0.1, () => number(below(5))),
  ),
});

/** What no field takes, in place of one of the message's values: both must refuse it with the same words, or take it alike. */
const oddities = [
  null,
  true,
  0,
  1,
  -1,
  2,
  1.5,
  2 ** 60,
  1e30,
  '',
  'YQ==',
  '1',
  '-7',
  'x',
  'YQ',
  [],
  [1],
  {},
  { a: 1 },
  ['YQ=='],
];
function spoil(whole) {
  const fields = typeof whole === 'object' && whole !== null ? Object.keys(whole) : [];
  if (fields.length === 0 || random() < 0.3) return oneOf(oddities);
  const chosen = oneOf(fields);
  const spoilt = spoil(whole[chosen]);
  if (Array.isArray(whole)) return whole.map((item, at) => (String(at) === chosen ? spoilt : item));
  return { ...whole, [chosen]: spoilt };
}
/** A compaction to 0 is told apart in the README. */
function spoiltRequest() {
  const [path, message] = nextRequest();
  return [path, path === 'watch' || path === 'kv/compaction' ? message : spoil(message)];
}

const etcd = await startEtcd();
const ours = flags.target === undefined ? await startOurs() : { url: flags.target, stop: () => {} };
let differing = 0;
const kinds = new Map();
try {
  for (let count = 0; count < Number(flags.requests); count++) {
    const [path, message] = random() < Number(flags.spoilt) ? spoiltRequest() : nextRequest();
    const body = JSON.stringify(message);
    const mine = await ask(ours.url, path, body);
    if (mine.answer.error?.includes('duplicate key')) {
      // etcd lets some overlaps pass (README). Under a condition that fails it tells without doing it.
      const check = { compare: [{ key: b64('a'), result: 'LESS' }], success: [{ request_txn: message }] };
      const { status } = await ask(etcd.url, path, JSON.stringify(check));
      kinds.set(`${path} overlap, etcd ${status}`, (kinds.get(`${path} overlap, etcd ${status}`) ?? 0) + 1);
      continue;
    }
    const theirs = await ask(etcd.url, path, body).catch(() => undefined);
    if (theirs === undefined) {
      // Its handler fell over (README): what ours did with it is not to be compared, nor what follows if it changed something.
      kinds.set(`${path} etcd fell over`, (kinds.get(`${path} etcd fell over`) ?? 0) + 1);
      print(`#${count} ${path} ${body}\n  etcd: nothing\n  ours: ${JSON.stringify(mine)}`);
      if (Number(mine.answer.header?.revision ?? revision) !== revision) break;
      continue;
    }
    const kind = `${path} ${theirs.status}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    revision = Number(theirs.answer.header?.revision ?? revision);
    if (path === 'kv/compaction' && theirs.status === 200) compacted = Number(message.revision);
    if (isDeepStrictEqual(theirs, mine)) continue;
    differing++;
    print(`#${count} ${path} ${body}\n  etcd: ${JSON.stringify(theirs)}\n  ours: ${JSON.stringify(mine)}`);
    // From here on the two stores may differ; what follows would only repeat it.
    if (Number(mine.answer.header?.revision ?? revision) !== revision) break;
  }
} finally {
  await ours.stop();
  await etcd.stop();
}
for (const [kind, count] of [...kinds].sort()) print(`${String(count).padStart(5)} ${kind}`);
print(
  `seed ${flags.seed}: ${[...kinds.values()].reduce((sum, count) => sum + count, 0)} requests, ${differing} answers differ`,
);
process.exitCode = differing === 0 ? 0 : 1;

async function ask(url, path, body) {
  const { status, text } =
    path === 'watch' ? await watch(url, body, 150) : await call(url, 'POST', `/v3/${path}`, body);
  return { status, answer: normalise(text) };
}

/** The gateway over a store of its own, from the sources. */
async function startOurs() {
  const vite = await createViteServer({
    configFile: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
    server: { middlewareMode: true, ws: false },
    appType: 'custom',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    ssr: { noExternal: [/^@raftkv\//], resolve: { conditions: ['source'], externalConditions: ['source'] } },
  });
  const { TestNode } = await vite.ssrLoadModule('/test/test-node.ts');
  const { createMetrics } = await vite.ssrLoadModule('/src/metrics.ts');
  const { createHttpServer, listen } = await vite.ssrLoadModule('/src/node/http.ts');
  const http = createHttpServer({ node: new TestNode(), metrics: createMetrics() });
  const port = await listen(http.server, { host: '127.0.0.1', port: 0 });
  const stop = async () => {
    await http.close();
    await vite.close();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** Mulberry32. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
