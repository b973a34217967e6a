// Starts a real etcd on loopback in a directory of its own, speaks to a gateway, and takes out of an answer what differs between
// any two clusters (ids, terms, sizes). Used by the recorder of the fixtures and by the live comparison.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Resolves with its URL and a `stop`, or rejects if there is no `etcd` to run. */
export async function startEtcd() {
  const directory = mkdtempSync(join(tmpdir(), 'raftkv-etcd-'));
  const client = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const flags = {
    name: 'node1',
    'data-dir': directory,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `node1=${peer}`,
  };
  const child = spawn(
    'etcd',
    Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await call(client, 'GET', '/health').catch(() => undefined);
    if (answer?.status === 200) return { url: client, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error('etcd did not become healthy');
}

/** One request; the body goes out as it is. */
export function call(base, method, path, body = '', onResponse = collect) {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${base}${path}`, { method, agent: false }, (response) => {
      clearTimeout(timer);
      onResponse(response, outgoing).then((text) => resolve({ status: response.statusCode, text }), reject);
    });
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer')), 3000);
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    outgoing.end(body);
  });
}

/** Opens a watch, takes lines until none has come for a while, and hangs up. */
export function watch(base, body, quietMilliseconds = 400) {
  return call(base, 'POST', '/v3/watch', body, (response, outgoing) =>
    collectQuiet(response, outgoing, quietMilliseconds),
  );
}

async function collect(response) {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

function collectQuiet(response, outgoing, quietMilliseconds) {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      outgoing.destroy();
      resolve(text);
    };
    const timer = setTimeout(finish, quietMilliseconds);
    response.on('error', () => {});
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      timer.refresh();
    });
    response.on('end', finish);
  });
}

/** A parsed answer without what differs between any two clusters. */
export function normalise(text) {
  const values = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => mask(parse(line)));
  return values.length === 1 ? values[0] : values;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { notJson: text.trim() };
  }
}

const masked = new Set([
  'cluster_id',
  'member_id',
  'raft_term',
  'dbSize',
  'dbSizeInUse',
  'leader',
  'raftIndex',
  'raftTerm',
  'raftAppliedIndex',
  'ID',
]);

function mask(value) {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (masked.has(name)) return [name, typeof inner === 'string' && /^\d+$/.test(inner) ? '#' : inner];
      if (name === 'peerURLs' || name === 'clientURLs') return [name, inner.map((url) => url.replace(/\/\/.*/, '//#'))];
      return [name, mask(inner)];
    }),
  );
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
