// Dialling through another thread, which Node's MessageChannel stands in for: what is sent, how it ends, and what becomes of a thread that goes.
import { RaftkvError } from '@raftkv/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryChannelPair } from '../../src/memory.ts';
import type { Channel } from '../../src/channel.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { dialThrough, serveDials } from '../../src/web/index.ts';

type Dial = Parameters<typeof serveDials>[1];

/** Never aborted. */
const { signal } = new AbortController();

function threads(dial: Dial) {
  const { port1, port2 } = new MessageChannel();
  const stop = serveDials(port1, dial);
  const dialler = dialThrough(port2);
  onTestFinished(() => {
    stop();
    dialler.lose();
  });
  return { ...dialler, stop };
}

/** A node: the far ends of what was dialled. */
function node(options: Parameters<typeof memoryChannelPair>[0] = {}) {
  const far: Channel[] = [];
  const dial: Dial = async () => {
    const { left, right } = memoryChannelPair(options);
    far.push(right);
    return left;
  };
  return { far, dial };
}

describe('a channel dialled through another thread', () => {
  it('carries frames both ways, and the reason of the end from either side', async () => {
    const { far, dial } = node();
    const through = threads(dial);
    for (const endsHere of [true, false]) {
      const channel = await through.dial('a:1', { signal });
      expect(channel.remote).toBe('a:1');
      const [here, there] = [recordChannel(channel), recordChannel(far.at(-1)!)];
      for (let i = 0; i < 50; i += 1) {
        channel.send(Uint8Array.of(i));
        far.at(-1)!.send(Uint8Array.of(100 + i));
      }
      await Promise.all([here.frames(50), there.frames(50)]);
      expect(there.received.map(([byte]) => byte)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      const [ends, hears] = endsHere ? [channel, there] : [far.at(-1)!, here];
      ends.close(new RaftkvError('busy', 'enough'));
      expect((await hears.closed)?.code).toBe('busy');
    }
  });

  it('rejects with what dialling there rejects with', async () => {
    const { dial } = threads(() => Promise.reject(new RaftkvError('unsupported_version', 'too old')));
    await expect(dial('a:1', { signal })).rejects.toMatchObject({ code: 'unsupported_version', message: 'too old' });
  });

  it('is given up there when it is given up here, before and after it was opened', async () => {
    const signals: AbortSignal[] = [];
    const { far, dial } = node();
    let answer: () => void = () => undefined;
    const through = threads(async (endpoint, options) => {
      signals.push(options.signal);
      await new Promise<void>((resolve) => (answer = resolve));
      return dial(endpoint, options);
    });
    const giveUp = new AbortController();
    const dialling = through.dial('a:1', { signal: giveUp.signal });
    await expect.poll(() => signals.length).toBe(1);
    giveUp.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => signals[0]!.aborted).toBe(true);
    answer();
    await expect.poll(() => far.length).toBe(1);
    await recordChannel(far[0]!).closed;
  });

  it('is lost when the thread is given up for dead, and so is what is being dialled', async () => {
    const { dial } = node();
    let isSlow = false;
    const through = threads((endpoint, options) => (isSlow ? new Promise(() => {}) : dial(endpoint, options)));
    const channel = recordChannel(await through.dial('a:1', { signal }));
    isSlow = true;
    const dialling = through.dial('a:2', { signal });
    through.lose();
    expect((await channel.closed)?.code).toBe('connection_lost');
    await expect(dialling).rejects.toMatchObject({ code: 'connection_lost' });
  });

  it('closes its sockets when the serving thread stops', async () => {
    const { far, dial } = node();
    const through = threads(dial);
    const channel = recordChannel(await through.dial('a:1', { signal }));
    const there = recordChannel(far[0]!);
    through.stop();
    await Promise.all([there.closed, channel.closed]);
  });

  it('is full while the socket is, and drains when that does', async () => {
    const limits = { highWaterBytes: 32 * 1024, lowWaterBytes: 16 * 1024 };
    const pairs: ReturnType<typeof memoryChannelPair>[] = [];
    const through = threads(async () => {
      pairs.push(memoryChannelPair(limits));
      pairs[0]!.stall('right');
      return pairs[0]!.left;
    });
    const channel = await through.dial('a:1', { signal });
    const [here, there] = [recordChannel(channel), recordChannel(pairs[0]!.right)];
    let sent = 0;
    while (channel.send(new Uint8Array(16 * 1024))) {
      sent += 1;
      expect(sent).toBeLessThan(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(channel.bufferedBytes).toBeGreaterThan(256 * 1024);
    pairs[0]!.resume('right');
    await here.drained(1);
    await there.frames(sent + 1);
  });
});
