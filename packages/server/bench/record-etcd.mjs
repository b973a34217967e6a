// Records what a real etcd answers to the corpus, into the fixture that the gateway's tests compare with. Run by hand when the
// corpus changes: node packages/server/bench/record-etcd.mjs
import { writeFileSync } from 'node:fs';
import { scenarios } from './corpus.mjs';
import { call, normalise, startEtcd, watch } from './etcd.mjs';

const recorded = {};
for (const [name, steps] of Object.entries(scenarios)) {
  const etcd = await startEtcd();
  try {
    recorded[name] = [];
    for (const [path, given] of steps) {
      const body = typeof given === 'string' ? given : JSON.stringify(given);
      // Some malformed requests make etcd's handler panic and hang or hang up: status 0.
      const hungUp = () => ({ status: 0, text: '' });
      const answer = await (
        path === 'watch' ? watch(etcd.url, body) : call(etcd.url, 'POST', `/v3/${path}`, body)
      ).catch(hungUp);
      recorded[name].push({ path, body, status: answer.status, answer: normalise(answer.text) });
    }
  } finally {
    await etcd.stop();
  }
}
// The formatter of the repository gives the file its final shape.
const file = new URL('../test/gateway/etcd-3.4.23.json', import.meta.url);
const lines = Object.entries(recorded).map(
  ([name, steps]) => `${JSON.stringify(name)}: [\n${steps.map((step) => JSON.stringify(step)).join(',\n')}\n]`,
);
writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
process.stdout.write(`${Object.values(recorded).flat().length} answers recorded\n`);
