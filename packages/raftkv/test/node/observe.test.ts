// A member with real sockets and a real disk feeds an observer, which comes back to it after a restart and goes on where it was.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { nodeWebSocket } from '@raftkv/transport/node';
import {
  decodeFeedChanges,
  decodeFeedEntries,
  decodeServerFrame,
  deflateCompression,
  encodeClientFrame,
  feedBytes,
} from '@raftkv/wire';
import type { RaftkvError, ServerMessage } from '@raftkv/wire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../src/node/connect.ts';
import { loadConfig } from '../../src/node/config.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { RunningNode } from '../../src/node/start-node.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-observe-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function start(): Promise<RunningNode> {
  const config = { ...loadConfig(new Map([['--data-dir', directory]]), undefined), port: 0 };
  return startNode(config, { logger: { log: () => undefined }, onHalt: (error) => expect.fail(error.message) });
}

type Entry = ReturnType<typeof decodeFeedEntries>[number];

/** The copy that an observer keeps, over as many connections as it takes. */
class Observer {
  entries = new Map<string, Entry>();
  revision = 0;
  hash: string | undefined;
  snapshots = 0;
  end: RaftkvError | 'in order' | undefined;
  #building: Map<string, Entry> | undefined;
  #channel: Channel | undefined;

  async attach(port: number): Promise<void> {
    this.end = undefined;
    const channel = await dialWebSocket(`ws://127.0.0.1:${port}/ws`, {
      protocol: 'raftkv.v1',
      signal: AbortSignal.timeout(5000),
      WebSocket: nodeWebSocket(),
    });
    this.#channel = channel;
    channel.start({
      onFrame: (frame) => {
        for (const message of decodeServerFrame(frame)) this.#receive(message);
      },
      onClose: (error) => {
        this.end = error ?? 'in order';
      },
    });
    channel.send(
      encodeClientFrame([
        { type: 'hello', versions: [1] },
        { type: 'observe', id: 1, from: this.revision, ranges: [] },
      ]),
    );
  }

  #receive(message: ServerMessage): void {
    if (message.type !== 'feedSnapshot' && message.type !== 'feedChanges') return;
    const { isDeflated, payload, revision, hash } = message;
    const raw = isDeflated ? deflateCompression.inflate(payload, 4 * 1024 * 1024) : payload;
    if (message.type === 'feedSnapshot') {
      if (message.isFirst) {
        this.#building = new Map();
        this.snapshots++;
      }
      for (const entry of decodeFeedEntries(raw)) this.#building!.set(entry.key, entry);
      if (message.isDone) {
        this.entries = this.#building!;
        this.#building = undefined;
      }
    } else {
      const target = this.#building ?? this.entries;
      for (const { events } of decodeFeedChanges(raw)) {
        for (const event of events) {
          if (event.type === 'put') target.set(event.entry.key, event.entry);
          else target.delete(event.key);
        }
      }
    }
    if (this.#building === undefined) this.revision = revision;
    this.hash = hash;
    this.#channel!.send(encodeClientFrame([{ type: 'watchConsumed', id: 1, bytes: feedBytes(message) }]));
  }

  close(): void {
    this.#channel?.close();
  }
}

const eventually = (check: () => void): Promise<void> => vi.waitFor(check);
const contentOf = ({ entries }: Observer): readonly Entry[] =>
  [...entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));

function allOf({ node }: RunningNode): readonly Entry[] {
  return node
    .scanLocal({ from: '', to: undefined })
    .entries.map((entry) => ({ ...entry, value: new Uint8Array(entry.value) }));
}

describe('an observer of a member', () => {
  it('has what the member has, also after that was restarted, and fetches nothing twice', async () => {
    const first = await start();
    const kv = connect({ endpoints: [`127.0.0.1:${first.port}`] });
    await Promise.all(Array.from({ length: 600 }, (_, at) => kv.put(`key/${at}`, 'words '.repeat(5 + (at % 20)))));
    const observer = new Observer();
    await observer.attach(first.port);
    await eventually(() => expect(observer.revision).toBe(first.node.revision));
    for (let at = 0; at < 20; at++) await kv.delete(`key/${at * 7}`);
    await eventually(() => expect(observer.revision).toBe(first.node.revision));
    expect(observer.entries.size).toBe(580);
    expect(contentOf(observer)).toEqual(allOf(first));
    const { hash } = observer;
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    await kv.close();
    await first.close();
    await eventually(() => expect(observer.end).toBeDefined());

    const second = await start();
    const again = connect({ endpoints: [`127.0.0.1:${second.port}`] });
    await again.put('key/3', 'after the restart');
    await observer.attach(second.port);
    await eventually(() => expect(observer.entries.get('key/3')?.version).toBe(2));
    expect(observer.snapshots).toBe(1);
    expect(contentOf(observer)).toEqual(allOf(second));
    expect(observer.hash).not.toBe(hash);
    // A fresh observer agrees on the hash with the one that came back.
    const fresh = new Observer();
    await fresh.attach(second.port);
    await eventually(() => expect(fresh.revision).toBe(observer.revision));
    expect(fresh.hash).toBe(observer.hash);
    fresh.close();
    observer.close();
    await again.close();
    await second.close();
  });
});
