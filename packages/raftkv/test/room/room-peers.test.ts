// A tab's channels to the others of its room, one by one: how many it has, and what is left of a tab that said its last word.
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { expect, it } from 'vitest';
import { encodeRoomMessage } from '../../src/room/room-message.ts';
import type { RoomMessage } from '../../src/room/room-message.ts';
import { RoomPeers } from '../../src/room/room-peers.ts';
import { report } from './some-report.ts';

/** The tab "m" and whom it dials; its clock stands still. */
function open(present: readonly string[] = []) {
  const dialled: string[] = [];
  const heard: string[] = [];
  const peers = new RoomPeers({
    word: 'm',
    network: {
      present,
      dial: (word) => {
        dialled.push(word);
        return new Promise<Channel>(() => undefined);
      },
    },
    clock: { now: () => 0, schedule: () => () => undefined },
    report: () => report,
    onMessage: (from, { type }) => void heard.push(`${from}: ${type}`),
    onChange: () => undefined,
  });
  return { peers, dialled, heard };
}

/** The other end of a channel that a tab of this word opens. */
function arrive(peers: RoomPeers, word: string) {
  const { left, right } = memoryChannelPair();
  const end: { error?: string; frames: number } = { frames: 0 };
  left.start({ onFrame: () => void (end.frames += 1), onClose: (error) => void (end.error = error?.code ?? 'closed') });
  peers.accept(right, word);
  return { end, say: (message: RoomMessage) => left.send(encodeRoomMessage(message)) };
}

/** Until what is under way in memory has come. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));
const wordsOf = (peers: RoomPeers): string[] => peers.all.map(({ word }) => word);

it('has 128 channels and refuses more, but for another one of a tab that it has', async () => {
  const { peers } = open();
  const ends = Array.from({ length: 128 }, (_, at) => arrive(peers, `w${at}`).end);
  const tooMany = arrive(peers, 'w128').end;
  await turn();
  expect(tooMany.error).toBe('busy');
  expect(ends.map(({ error }) => error)).toEqual(ends.map(() => undefined));
  const again = arrive(peers, 'w7');
  again.say(report);
  await turn();
  expect([ends[7]!.error, again.end.error]).toEqual(['closed', undefined]);
  expect(wordsOf(peers)).toEqual(['w7']);
});

it('dials no more than 128 tabs, those that it has channels to among them', async () => {
  const { peers, dialled } = open(Array.from({ length: 200 }, (_, at) => `n${at}`));
  for (let at = 0; at < 28; at += 1) arrive(peers, `a${at}`);
  peers.look();
  expect(dialled).toHaveLength(100);
  peers.look();
  expect(dialled).toHaveLength(100);
});

it('has nobody who said farewell, until there is another channel of that tab, and hears what it says there', async () => {
  const { peers, heard } = open();
  const [ada, bob] = [arrive(peers, 'ada'), arrive(peers, 'bob')];
  for (const each of [ada, bob]) each.say(report);
  await turn();
  expect(wordsOf(peers)).toEqual(['ada', 'bob']);
  ada.say({ type: 'farewell', voice: undefined });
  // Said before it, and held up on the way.
  ada.say(report);
  await turn();
  expect([wordsOf(peers), heard]).toEqual([['bob'], ['ada: farewell']]);
  const again = arrive(peers, 'ada');
  await turn();
  // What it said before it went is not what it says now.
  expect(wordsOf(peers)).toEqual(['bob']);
  again.say(report);
  await turn();
  expect(wordsOf(peers)).toEqual(['ada', 'bob']);
});
