// What goes on inside of a room, as who shows or tests it is told: its members one after the other, what stands at their core, and what lies between the room and its runtime.
import { afterEach, expect, it, vi } from 'vitest';
import type { Member } from '@raftkv/server';
import type { RoomInside } from '../../src/room/room-inside.ts';
import { createRoomOn, joinRoomOn } from '../../src/room/open-room.ts';
import { Page, Profile, Stage } from './room-stage.ts';

let stage = new Stage();
afterEach(() => {
  stage = new Stage();
});

const within = { timeout: 60_000, interval: 20 };

function pageOf(profile: string): Page {
  const page = new Page(stage, new Profile(profile));
  stage.pages.add(page);
  return page;
}

/** Writes down what it is told. */
function ear() {
  const members: (Member | undefined)[] = [];
  const roles: string[] = [];
  const inside: RoomInside = {
    onMember: (member) => void members.push(member),
    onEvent: (event) => void (event.type === 'role' && roles.push(event.role)),
  };
  return { members, roles, inside };
}

it('tells which members a tab runs, from the first one to the last', async () => {
  const [a, b] = [ear(), ear()];
  const room = await createRoomOn(pageOf('p1').platform, { ...stage.options, name: 'r', base: '', inside: a.inside });
  expect(a.members).toHaveLength(1);
  await vi.waitFor(() => expect(a.members[0]!.replica.status().raft.role).toBe('leader'), within);
  expect(a.roles).toContain('leader');
  const other = await joinRoomOn(pageOf('p2').platform, room.link, { ...stage.options, base: '', inside: b.inside });
  expect(b.members).toEqual([]);
  await vi.waitFor(() => expect(b.members[0]?.replica.status().raft.commitIndex).toBeGreaterThan(0), within);
  await other.leave();
  expect(b.members).toEqual([expect.anything(), undefined]);
  await room.leave();
});

it('has at each core what the tab asks for, and lies over whatever the tab puts in between', async () => {
  const asked: string[] = [];
  const room = await createRoomOn(pageOf('p1').platform, {
    ...stage.options,
    name: 'r',
    base: '',
    inside: {
      replica: () => {
        asked.push('replica');
        return { snapshotThreshold: 5 };
      },
      platform: (given) => ({
        ...given,
        domain: `in between ${given.domain}`,
        openSlots: (roomId) => {
          asked.push('slots');
          return given.openSlots(roomId);
        },
      }),
    },
  });
  expect(asked).toEqual(['slots', 'replica']);
  expect(room.status.getSnapshot().self.domain).toBe('in between p1');
  await room.leave();
});
