// How a member is put together: that a failure found by any of its parts reaches its owner, once, and that it never answers with less than
// it had on its disk. What the parts do is tested in their own packages.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as StorageDoor from '@raftkv/storage/node';
import { RaftkvError } from '@raftkv/wire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/node/connect.ts';
import { loadConfig } from '../../src/node/config.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { RunningNode } from '../../src/node/start-node.ts';

type ReportFailure = (error: RaftkvError) => void;
const opened = vi.hoisted(() => ({ onFailure: undefined as ReportFailure | undefined }));

// The real storage, with the place noted where it reports what fails while nobody waits for it.
vi.mock('@raftkv/storage/node', async (load) => {
  const real = await load<typeof StorageDoor>();
  return {
    ...real,
    openFileStorage: (options: Parameters<typeof real.openFileStorage>[0]) => {
      opened.onFailure = options.onFailure;
      return real.openFileStorage(options);
    },
  };
});

let directory: string;
let halts: RaftkvError[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-start-'));
  halts = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

function start(): Promise<RunningNode> {
  const config = { ...loadConfig(new Map([['--data-dir', directory]]), undefined), port: 0 };
  return startNode(config, { logger: { log: () => undefined }, onHalt: (error) => halts.push(error) });
}

describe('a member', () => {
  it('tells its owner once when its storage fails while nobody waits for it', async () => {
    const running = await start();
    const failure = new RaftkvError('storage_failed', 'the disk is gone');
    opened.onFailure?.(failure);
    opened.onFailure?.(new RaftkvError('storage_failed', 'still gone'));
    expect(halts).toEqual([failure]);
    await running.close();
  });

  it('tells nothing of a failure after it was closed', async () => {
    const running = await start();
    await running.close();
    opened.onFailure?.(new RaftkvError('storage_failed', 'too late'));
    expect(halts).toEqual([]);
  });

  it('answers a local read after a restart with all that it had acknowledged, or not yet', async () => {
    const first = await start();
    const kv = connect({ endpoints: [`127.0.0.1:${first.port}`] });
    for (let number = 0; number < 200; number++) await kv.put('counter', number);
    await kv.close();
    await first.close();
    const second = await start();
    const seen = new Set<string>();
    for (;;) {
      try {
        const { entry } = second.node.getLocal('counter');
        seen.add(entry === undefined ? 'nothing' : Buffer.from(entry.value).toString());
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/no_leader|not_ready|starting/) });
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    expect([...seen]).toEqual(['199']);
    await second.close();
  });
});
