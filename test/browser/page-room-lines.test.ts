// What people write on the page of a room: kept where there is no majority, also over a reload, written once when there is one; and where the room went on without its
// majority, shown apart until its writer has decided. How pages lose each other and go on is in page-room.test.ts.
import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { crash, setRoomPages, timeout, until, voters } from './harness/room-pages.ts';

const room = setRoomPages();

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'A line for everybody here' }).fill(text);
  await page.getByRole('button', { name: 'Write', exact: true }).click();
}

const line = (page: Page, text: string) => page.locator('.lines li', { hasText: text });
const waiting = (page: Page, text: string) => line(page, text).filter({ hasText: 'Waiting on this device' });
const undecided = (page: Page, text: string) => page.locator('.undecided li', { hasText: text });
/** It is agreed, as far as this page shows. */
async function written(page: Page, text: string): Promise<void> {
  await line(page, text).waitFor({ timeout });
  await expect.poll(() => line(page, text).locator('.badge').count(), { timeout }).toBe(0);
}

it('keeps what is written without a majority, over a reload, and writes it once when there is one', async () => {
  const pages = await room.openRoom(3);
  const [left, ...others] = pages as [Page, Page, Page];
  await write(left, 'Agreed by all');
  for (const page of pages) await written(page, 'Agreed by all');
  const link = new URL(left.url()).hash;
  for (const page of others) await crash(page);
  await until(left, 'No majority: reading only');
  await until(left, 'What you write waits in this browser.');
  for (const text of ['Kept', 'Taken back', 'Kept, too']) {
    await write(left, text);
    await waiting(left, text).waitFor({ timeout });
  }
  await line(left, 'Taken back').getByRole('button', { name: 'Take back' }).click();
  await line(left, 'Taken back').waitFor({ state: 'detached', timeout });
  await until(left, '2 writes wait in this browser.');
  await left.reload();
  for (const text of ['Kept', 'Kept, too']) await waiting(left, text).first().waitFor({ timeout });
  await left.locator('.lines-panel', { hasText: '2 lines wait in this browser' }).waitFor({ timeout });
  await until(left, 'No majority: reading only');
  const back = [await room.visit(link), await room.visit(link)];
  for (const page of [left, ...back]) {
    await until(page, /You lead|You vote here|You read along/);
    await written(page, 'Kept, too');
    expect(await page.locator('.lines .text').allTextContents()).toEqual(['Kept, too', 'Kept', 'Agreed by all']);
  }
  expect(await left.locator('.undecided').count()).toBe(0);
});

it('shows what was written for the room before it went on, and asks what is to become of it', async () => {
  const pages = await room.openRoom(3);
  const [left, ...others] = pages as [Page, Page, Page];
  const link = new URL(left.url()).hash;
  for (const page of others) await crash(page);
  await until(left, 'No majority: reading only');
  for (const text of ['Wanted', 'Not wanted']) {
    await write(left, text);
    await waiting(left, text).waitFor({ timeout });
  }
  await left.getByRole('button', { name: /Go on from here/ }).click();
  await left.getByRole('button', { name: 'Go on without them' }).click();
  await until(left, 'You lead');
  await left.getByText('2 lines of yours are not in the room').waitFor({ timeout });
  await undecided(left, 'Wanted').getByText('It waited when the room went on').first().waitFor({ timeout });
  expect(await left.locator('.lines .text').allTextContents()).toEqual([]);
  // It is there after a reload, too.
  await left.reload();
  await left.getByText('2 lines of yours are not in the room').waitFor({ timeout });
  await left.getByRole('button', { name: 'Drop it: Not wanted' }).click();
  await left.getByText('A line of yours is not in the room').waitFor({ timeout });
  await left.getByRole('button', { name: 'Write it in this room: Wanted' }).click();
  await written(left, 'Wanted');
  await left.locator('.undecided').waitFor({ state: 'detached', timeout });

  // One that comes back to the room as it was, writes there, and joins the one that went on.
  const back = await room.visit(link);
  await until(back, 'The room went on without this tab');
  await write(back, 'From before');
  await waiting(back, 'From before').waitFor({ timeout });
  await back.getByRole('button', { name: 'Forget it and join the room' }).click();
  await undecided(back, 'From before').waitFor({ timeout });
  await written(back, 'Wanted');
  await back.getByRole('button', { name: 'Write it in this room: From before' }).click();
  for (const page of [left, back]) await written(page, 'From before');
  for (const page of [left, back]) await voters(page, '2 of 2 voters here');
  expect(await left.locator('.lines .text').allTextContents()).toEqual(['From before', 'Wanted']);
});

it('says what is kept, and on leaving what stands then', async () => {
  const [page] = (await room.openRoom(1)) as [Page];
  await page
    .locator('.leave', { hasText: 'What this tab has of the room is kept in this browser' })
    .waitFor({ timeout });
  await page.getByRole('button', { name: 'Leave the room' }).click();
  await until(page, 'You left the room. Nobody else votes in the room, and it is kept in this browser.');
  await page.getByRole('button', { name: 'Come back' }).click();
  await until(page, 'You lead');
});
