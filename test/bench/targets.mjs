// One shape for all systems that are measured: put and get of one key, as a user of each one's Node client writes them.
import { startEtcd, startRaftkv, startRedis } from './processes.mjs';

/** Retried until the cluster has a leader. */
async function untilReady(attempt) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

export async function raftkvTarget(count) {
  const { bytes, connect } = await import('raftkv');
  const cluster = await startRaftkv(count);
  const kv = await connect({ endpoints: cluster.endpoints, codec: bytes, requestTimeoutMilliseconds: 60_000 });
  await untilReady(() => kv.put('ready', new Uint8Array(1)));
  return {
    name: `raftkv, ${count} nodes`,
    pids: cluster.pids,
    put: (key, value) => kv.put(key, value),
    get: (key) => kv.get(key),
    async stop() {
      await kv.close();
      await cluster.stop();
    },
  };
}

export async function etcdTarget(count) {
  const { Etcd3 } = await import('etcd3');
  const cluster = await startEtcd(count);
  const client = new Etcd3({ hosts: cluster.endpoints.map((endpoint) => `http://${endpoint}`) });
  await untilReady(() => client.put('ready').value('1').exec());
  return {
    name: `etcd, ${count} nodes, etcd3 package`,
    pids: cluster.pids,
    put: (key, value) => client.put(key).value(value).exec(),
    get: (key) => client.get(key).buffer(),
    async stop() {
      client.close();
      await cluster.stop();
    },
  };
}

export async function redisTarget() {
  const { Redis } = await import('ioredis');
  const server = await startRedis();
  const client = new Redis({ port: server.port, host: '127.0.0.1', enableAutoPipelining: true });
  await client.set('ready', '1');
  return {
    name: 'Redis, one, appendfsync always',
    pids: server.pids,
    put: (key, value) => client.set(key, value),
    get: (key) => client.getBuffer(key),
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}
