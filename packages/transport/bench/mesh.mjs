// Entries a second from a leader's mesh to a follower's in another process, both ways in use (each batch is answered): what replication costs
// the transport alone. Run from the root after `npx tsc -b packages/transport/tsconfig.node.json`: node packages/transport/bench/mesh.mjs [seconds]
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { dialWebSocket, openMesh } from '../dist/index.js';
import { acceptWebSockets, nodeWebSocket } from '../dist/node/index.js';

const protocol = 'bench.v1';
const seconds = Number(process.argv[2] ?? 2);
const entryBytes = 1024;
const inflightBatches = 8;

if (process.env.BENCH_FOLLOWER === '1') follower();
else await leader();

function openMember(memberId, peers) {
  return openMesh({
    self: { memberId, memberName: memberId, clusterId: 'bench', storeId: memberId },
    peers,
    dial: (address, signal) => dialWebSocket(`ws://${address}/raft`, { protocol, signal, WebSocket: nodeWebSocket() }),
    admit: async () => {},
  });
}

function follower() {
  const mesh = openMember('b', [{ id: 'a', name: 'a', address: '', dials: false }]);
  mesh.start({
    onMessage: (message) => {
      if (message.type !== 'appendRequest') return;
      const matchIndex = message.prevLogIndex + message.entries.length;
      const answer = { type: 'appendResponse', from: 'b', to: 'a', term: 1, success: true, matchIndex };
      mesh.send([{ ...answer, rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 }]);
    },
    onUnreachable: () => {},
  });
  const server = createServer();
  acceptWebSockets(server, [{ path: '/raft', protocol, onChannel: (channel) => mesh.accept(channel) }]);
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
}

async function leader() {
  const child = fork(new URL(import.meta.url), { env: { ...process.env, BENCH_FOLLOWER: '1' } });
  const port = await new Promise((resolve) => child.once('message', resolve));
  const mesh = openMember('a', [{ id: 'b', name: 'b', address: `127.0.0.1:${port}` }]);
  let onAnswer = () => {};
  await new Promise((resolve) =>
    mesh.start({ onMessage: (message) => onAnswer(message), onUnreachable: () => {}, onPeerState: resolve }),
  );
  console.log('entries a batch   entries/s      MB/s   leader CPU');
  for (const batchEntries of [1, 16, 64, 256]) {
    let lastIndex = 0;
    let matchIndex = 0;
    const sendBatch = () => {
      const entries = [];
      for (let count = 1; count <= batchEntries; count += 1) {
        entries.push({ index: lastIndex + count, term: 1, kind: 'command', data: new Uint8Array(entryBytes) });
      }
      const message = { type: 'appendRequest', from: 'a', to: 'b', term: 1, prevLogIndex: lastIndex, entries };
      mesh.send([{ ...message, prevLogTerm: 1, leaderCommit: matchIndex }]);
      lastIndex += batchEntries;
    };
    const startedAt = performance.now();
    const startedCpu = process.cpuUsage();
    await new Promise((resolve) => {
      onAnswer = (message) => {
        matchIndex = message.matchIndex;
        if (performance.now() - startedAt < seconds * 1000) sendBatch();
        else if (matchIndex === lastIndex) resolve();
      };
      for (let count = 0; count < inflightBatches; count += 1) sendBatch();
    });
    const elapsed = (performance.now() - startedAt) / 1000;
    const cpu = process.cpuUsage(startedCpu);
    const columns = [
      String(batchEntries).padStart(15),
      (matchIndex / elapsed).toFixed(0).padStart(11),
      ((matchIndex * entryBytes) / elapsed / 1e6).toFixed(0).padStart(9),
      `${((cpu.user + cpu.system) / 1e4 / elapsed).toFixed(0)} %`.padStart(12),
    ];
    console.log(columns.join(' '));
  }
  await mesh.close();
  child.kill();
}
