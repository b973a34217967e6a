// The last word of a tab whose page goes: it has left before anything of the page ends, and what others say in its name, or said of it before, gives nobody its voice.
import type { Channel } from '@raftkv/transport';
import type { RaftkvError } from '@raftkv/wire';
import { afterEach, expect, it, vi } from 'vitest';
import { roomIdOf } from '../../src/room/room-link.ts';
import { encodeRoomMessage } from '../../src/room/room-message.ts';
import type { RoomNetwork } from '../../src/room/room-platform.ts';
import { openPages, quorum, settled, within } from './room-acts.ts';
import { Page, Profile, Stage, clock } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 240_000 });

const typeOf = (frame: Uint8Array): unknown =>
  (JSON.parse(new TextDecoder().decode(frame)) as { readonly type: unknown }).type;

/** What a page of this profile does with its network from then on, in order: last words, flushes, ends of channels and of the network. */
function watchNetwork(profile: Profile): string[] {
  const acts: string[] = [];
  const connect = stage.connect.bind(stage);
  const spied = (channel: Channel): Channel =>
    new Proxy(channel, {
      get: (inner, name) => {
        if (name === 'send')
          return (frame: Uint8Array) => {
            if (typeOf(frame) === 'farewell') acts.push('farewell');
            return inner.send(frame);
          };
        if (name === 'close')
          return (error?: RaftkvError) => {
            acts.push('close');
            inner.close(error);
          };
        const value: unknown = Reflect.get(inner, name);
        return typeof value === 'function' ? (value as () => unknown).bind(inner) : value;
      },
    });
  stage.connect = (each, options): RoomNetwork => {
    if (each.profile !== profile) return connect(each, options);
    const { onChannel } = options;
    const inner = connect(each, {
      ...options,
      onChannel: (channel, from, purpose) => onChannel(purpose === 'room' ? spied(channel) : channel, from, purpose),
    });
    return {
      get present() {
        return inner.present;
      },
      dial: async (word, how) => {
        const channel = await inner.dial(word, how);
        return how.purpose === 'room' ? spied(channel) : channel;
      },
      flush: () => void acts.push('flush'),
      close: () => {
        acts.push('network');
        inner.close();
      },
    };
  };
  return acts;
}

it.each(['gone', 'away'] as const)(
  'the last word of a page that is %s has left before anything of it ends',
  async (how) => {
    const a = await stage.create(new Profile('p1'));
    const profile = new Profile('p2');
    const acts = watchNetwork(profile);
    const b = await stage.enter(profile);
    await settled([a, b]);
    acts.splice(0);
    b.close(how);
    // In the turn of the page, which may be its last one.
    expect(acts.slice(0, 3)).toEqual(['farewell', 'flush', 'close']);
    await settled([a]);
    stage.gone(b);
  },
);

/** Somebody who has the link, and is found under this word. */
async function sayAs(word: string, to: Page, memberId: string): Promise<void> {
  const nobody = { onChannel: () => undefined, onPresence: () => undefined };
  const forger = new Page(stage, new Profile('forger'));
  const network = stage.connect(forger, { roomId: roomIdOf(stage.key), secret: stage.key.secret, word, ...nobody });
  const channel = await network.dial(to.room.word, { signal: AbortSignal.timeout(60_000), purpose: 'room' });
  channel.start({ onFrame: () => undefined, onClose: () => undefined });
  const voice = { memberId, term: 1, lastTerm: 0, lastIndex: 0, committedConfigurationIndex: 0 };
  channel.send(encodeRoomMessage({ type: 'farewell', voice }));
  network.close();
}

/** Several times, whose voice was given. */
const looked = (): Promise<void> => new Promise((resolve) => void clock.schedule(resolve, 2_000));

it('a voice counts that the tab of that member gave, and no other tab in its name', async () => {
  const [a, b] = (await openPages(stage, 2)) as [Page, Page];
  await settled([a, b]);
  const [memberId, word] = [b.memberId!, b.room.word];
  b.crash();
  await sayAs('mallory', a, memberId);
  await sayAs(a.room.word, a, memberId);
  await vi.waitFor(() => expect(quorum(a)).toMatchObject({ state: 'lost', votersHere: 1 }), within);
  await looked();
  expect(quorum(a).state).toBe('lost');
  // The same in its own: so nothing else was missing above.
  await sayAs(word, a, memberId);
  await settled([a]);
});

it('the voice of a member that was removed is not that of the one that its tab is now', async () => {
  const [a, b] = (await openPages(stage, 2)) as [Page, Page];
  await settled([a, b]);
  const former = b.memberId!;
  expect(await b.room.leave()).toMatchObject({ state: 'gone' });
  stage.gone(b);
  await settled([a]);
  const back = await stage.enter(b.profile);
  await settled([a, back]);
  const [memberId, word] = [back.memberId!, back.room.word];
  expect(memberId).not.toBe(former);
  back.crash();
  // Said by the tab that it was, and kept by somebody.
  await sayAs(b.room.word, a, former);
  await sayAs(word, a, former);
  await vi.waitFor(() => expect(quorum(a)).toMatchObject({ state: 'lost', votersHere: 1 }), within);
  await looked();
  expect(quorum(a).state).toBe('lost');
  await sayAs(word, a, memberId);
  await settled([a]);
});

it('of two voters, the one that is left without a word says what there is to do, and goes on when somebody says so', async () => {
  const [a, b] = (await openPages(stage, 2)) as [Page, Page];
  await settled([a, b]);
  await a.room.kv.put('x', 1);
  b.crash();
  await vi.waitFor(() => expect(quorum(a).state).toBe('lost'), within);
  const { words, knowsMost } = quorum(a);
  expect(words).toBe(
    'Only 1 of 2 voters is there, and 2 are needed: everything can be read, nothing can be written. ' +
      `Open the tab ${b.room.word} again, or go on from what is here; what only the others know is not part of it then.`,
  );
  expect(knowsMost).toBe(a.room.word);
  a.room = await a.room.goOnFromHere();
  await settled([a]);
  expect(a.room.status.getSnapshot().epoch).toBe(2);
  expect(await a.room.kv.get('x')).toBe(1);
});
