// What a room does when the machine of a tab is on another network: nothing waits for the pause that it was in.
import { afterEach, expect, it, vi } from 'vitest';
import type { RoomInside } from '../../src/room/room-inside.ts';
import { openPages, settled } from './room-acts.ts';
import { Stage } from './room-stage.ts';

const stage = new Stage();
afterEach(() => stage.close());

vi.setConfig({ testTimeout: 120_000 });

it('its network looks after itself, and its member dials at once, until it leaves', async () => {
  const seen: Parameters<NonNullable<RoomInside['onMember']>>[0][] = [];
  stage.optionsOf = (page) => (page.profile.domain === 'p1' ? { inside: { onMember: (each) => seen.push(each) } } : {});
  const pages = await openPages(stage, 2);
  await settled(pages);
  const told = vi.spyOn(seen.at(-1)!.mesh, 'networkChanged');
  pages[0]!.move();
  expect([pages[0]!.networkLooks, pages[1]!.networkLooks, told.mock.calls.length]).toEqual([1, 0, 1]);
  await pages[0]!.room.leave();
  pages[0]!.move();
  expect([pages[0]!.networkLooks, told.mock.calls.length]).toEqual([1, 1]);
});
