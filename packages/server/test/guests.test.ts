// Who lags lets in those that it has yet to hear of, and only those.
import type { Configuration } from '@raftkv/raft';
import { expect, it } from 'vitest';
import { Guests } from '../src/guests.ts';
import { Roster } from '../src/roster.ts';

const known = '000000000000000a';
const [news, later] = ['0000000000000020', '0000000000000030'];

function configuration(...ids: readonly string[]): Configuration {
  const members = ids.map((id) => ({ id, name: `n${id}`, address: `h:${id}`, storeId: 'S' }));
  return { voters: ids, votersOutgoing: [], learners: [], members };
}

function stage(maxGuests?: number) {
  const told: string[] = [];
  const connected = new Set<string>();
  const roster = new Roster([], { active: configuration(known), committed: configuration(known), committedIndex: 16 });
  const guests = new Guests({
    roster,
    mesh: {
      addPeer: ({ id, dials }) => told.push(`${id} ${dials === false ? 'comes' : 'is dialled'}`),
      removePeer: (id) => told.push(`not ${id}`),
      isConnected: (id) => connected.has(id),
    },
    ...(maxGuests === undefined ? {} : { maxGuests }),
  });
  const hear = (committedIndex: number, ...ids: readonly string[]): void =>
    roster.update({ active: configuration(...ids), committed: configuration(...ids), committedIndex });
  return { told, guests, hear, connected };
}

it('lets in one that a later entry may have made a member, once', () => {
  const { told, guests } = stage();
  guests.invite(news);
  guests.invite(news);
  expect(told).toEqual([`${news} comes`]);
});

it('lets in nobody that it knows, that was removed, or that no log has named', () => {
  const { told, guests } = stage();
  for (const id of [known, '0000000000000005', 'f100aa00bb00cc0d', 'nonsense']) guests.invite(id);
  expect(told).toEqual([]);
});

it('leaves a guest that became known to whoever keeps the peers, and sends one away that is none', () => {
  const { told, guests, hear } = stage();
  guests.invite(news);
  guests.invite(later);
  told.splice(0);
  hear(0x20, known, news);
  expect(told).toEqual([]);
  hear(0x40, known, news);
  expect(told).toEqual([`not ${later}`]);
});

it('has room for so many, and gives the place of one that is gone to another', () => {
  const { told, guests, connected } = stage(1);
  guests.invite(news);
  connected.add(news);
  guests.invite(later);
  expect(told).toEqual([`${news} comes`]);
  connected.clear();
  guests.invite(later);
  expect(told.slice(1)).toEqual([`not ${news}`, `${later} comes`]);
});
