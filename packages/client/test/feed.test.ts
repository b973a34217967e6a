// A feed over connections that are made up: when it asks again, and how soon.
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../src/cluster.ts';
import { Feed } from '../src/feed.ts';
import { settle } from '../src/options.ts';

function world() {
  const timers: { callback: () => void; milliseconds: number }[] = [];
  let now = 0;
  let attachments = 0;
  let said: (message: never) => void = () => {};
  const connection = {
    leader: 'a:1',
    welcome: { clusterId: 'c' },
    openWatch: (_: unknown, sink: { onMessage: (message: never) => void }) => {
      attachments += 1;
      said = sink.onMessage;
      return attachments;
    },
    closeWatch: () => {},
    post: () => {},
  };
  const cluster = { next: () => connection, demand: () => {}, hasLeader: true };
  const clock = {
    now: () => now,
    schedule: (callback: () => void, milliseconds: number) => {
      const timer = { callback, milliseconds };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    defer: queueMicrotask,
  };
  const settings = settle({ endpoints: ['a:1'], clock, random: () => 0.5, dial: () => new Promise(() => {}) });
  const handlers = {
    position: () => 0,
    onAttach: () => {},
    onMessage: () => {},
    onState: () => {},
    onEnd: () => {},
  };
  const feed = new Feed({ cluster: cluster as unknown as Cluster, settings, ranges: [], handlers, onEnd: () => {} });
  return {
    feed,
    say: () =>
      said({
        type: 'feedChanges',
        id: attachments,
        revision: 1,
        index: 1,
        isDeflated: false,
        hash: undefined,
        payload: new Uint8Array(0),
      } as never),
    /** Runs the timer that is due next; answers how long it waited. */
    wake: () => {
      const { callback, milliseconds } = timers.shift()!;
      now += milliseconds;
      callback();
      return milliseconds;
    },
    rest: (milliseconds: number) => void (now += milliseconds),
    get attachments() {
      return attachments;
    },
  };
}

describe('a feed', () => {
  it('that is found to be wrong again and again is asked less and less often, whatever it says in between', () => {
    const { feed, say, wake, rest } = world();
    const pauses: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      say();
      feed.restart();
      pauses.push(wake());
    }
    expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(pauses.at(-1)).toBe(30_000);
    rest(300_000);
    say();
    feed.restart();
    expect(wake()).toBe(100);
  });

  it('that is begun anew already is not begun anew twice', () => {
    const { feed, say, wake, attachments } = world();
    expect(attachments).toBe(1);
    say();
    feed.restart();
    feed.restart();
    expect(wake()).toBe(100);
  });
});
