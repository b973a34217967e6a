// Rooms that cannot be opened, since there is no network to be had: what was opened for them is free again, and what was made is gone.
import { RaftkvError } from '@raftkv/wire';
import { afterEach, expect, it } from 'vitest';
import { createRoomOn, joinRoomOn } from '../../src/room/open-room.ts';
import type { RoomPlatform } from '../../src/room/room-platform.ts';
import { Page, Profile, Stage } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

const refusal = new RaftkvError('busy', "this meeting is another room's");

/** Of a page that cannot meet anybody. */
function apart(profile: Profile): RoomPlatform {
  return {
    ...new Page(stage, profile).platform,
    openNetwork: () => {
      throw refusal;
    },
  };
}

it('leaves the member that is kept to who joins next in the same page', async () => {
  const first = await stage.create();
  const { memberId, profile } = first;
  await first.room.leave();
  stage.gone(first);
  await expect(joinRoomOn(apart(profile), stage.link, { ...stage.options, base: '' })).rejects.toBe(refusal);
  const again = await stage.enter(profile);
  expect(again.memberId).toBe(memberId);
});

it('keeps nothing of a room that nobody can enter', async () => {
  const profile = new Profile('p1');
  const options = { ...stage.options, name: 'r', base: '' };
  await expect(createRoomOn(apart(profile), options)).rejects.toBe(refusal);
  expect([...profile.rooms.values()].map(({ size }) => size)).toEqual([0]);
});
