// Asking a running cluster: a member passes on what only the leader can do to a leader of its own cluster, whoever else may have that address by now.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/node/config.ts';
import { askLeader } from '../../src/node/join-cluster.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { RunningNode } from '../../src/node/start-node.ts';

let directory: string;
let running: RunningNode;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-ask-'));
  const config = { ...loadConfig(new Map([['--data-dir', directory]]), undefined), port: 0 };
  running = await startNode(config, { logger: { log: () => undefined }, onHalt: () => undefined });
});
afterEach(async () => {
  await running.close();
  rmSync(directory, { recursive: true });
});

it('asks the leader that it was told of, and nobody of another cluster', async () => {
  const address = `${running.host}:${running.port}`;
  const add = { type: 'add', name: 'node2', address: '127.0.0.1:1', storeId: undefined, plan: undefined } as const;
  for (const another of ['00000000000000c1', 'ffffffffffffffff']) {
    await expect(askLeader(another, address, add)).rejects.toMatchObject({ code: 'wrong_cluster', definite: true });
  }
  const { members } = await askLeader(running.node.clusterId!, address, { type: 'list' });
  expect(members.members.map(({ name }) => name)).toEqual(['node1']);
  await askLeader(running.node.clusterId!, address, add);
  expect((await askLeader(running.node.clusterId!, address, { type: 'list' })).members.members).toHaveLength(2);
});
