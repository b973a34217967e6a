// Rooms without any server: browsers meet by codes that the test carries, and tabs of one browser by themselves. Who invited may go, and the others find each other
// all the same; who has a code and no link stays outside.
import { expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { webRtcFlags } from './harness/chromium.ts';
import { allVote, get, invite, put, status, timeout } from './harness/code-pages.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';

const stage = setStage(['room-codes', 'readme-codes'], { flags: webRtcFlags });

async function openProfiles(count: number): Promise<Profile[]> {
  const browser = (await stage.profile()).context.browser()!;
  return Promise.all(Array.from({ length: count }, () => Profile.open(browser)));
}

const openPage = async (profile: Profile): Promise<Page> => (await profile.openTab(stage.url('room-codes'))).page;
it('three browsers make a room by codes alone; who invited goes, the others go on, and one more comes in', async () => {
  const profiles = await openProfiles(4);
  try {
    const [one, two, three] = (await Promise.all(profiles.slice(0, 3).map(openPage))) as [Page, Page, Page];
    const link = await one.evaluate(() => codesLab.create());
    await invite(one, two, link);
    await invite(one, three, link);
    await allVote([one, two, three]);
    await put(two, 'n', 1);
    for (const page of [one, two, three]) expect(await get(page, 'n')).toBe(1);
    // All see all, and no server is between them.
    for (const page of [one, two, three]) {
      const paths = async () => (await status(page)).tabs.flatMap(({ path }) => path ?? []);
      await expect.poll(paths, { timeout }).toEqual(['direct', 'direct']);
      await expect.poll(() => page.evaluate(() => codesLab.browsers()), { timeout }).toBe(2);
    }
    await one.close({ runBeforeUnload: true });
    await allVote([two, three]);
    await put(three, 'n', 2);
    expect(await get(two, 'n')).toBe(2);
    // Invited by one of those who were: the others hear of it from that one.
    const four = await openPage(profiles[3]!);
    await invite(three, four, link);
    await allVote([two, three, four]);
    await put(four, 'n', 3);
    expect(await get(two, 'n')).toBe(3);
    // A tab of a browser that is in needs the link alone, and is in reach of all.
    const sibling = await openPage(profiles[3]!);
    await sibling.evaluate((to) => codesLab.join(to), link);
    await expect.poll(async () => (await status(two)).tabs.length, { timeout }).toBe(4);
    expect(await get(sibling, 'n')).toBe(3);
    // Those that are left have heard of each other over somebody who is gone, and need nobody now.
    await Promise.all([two, sibling].map((page) => page.close({ runBeforeUnload: true })));
    await allVote([three, four]);
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});

it('connects browsers whose profiles are copies, and what was an invitation ends nothing any more', async () => {
  const profiles = await openProfiles(2);
  try {
    const pages = (await Promise.all(profiles.map(openPage))) as [Page, Page];
    const [one, two] = pages;
    for (const page of pages) {
      await page.evaluate(() => localStorage.setItem('raftkv.domain', 'copied-word'));
      await page.reload();
    }
    await invite(one, two, await one.evaluate(() => codesLab.create()));
    for (const page of pages) await page.evaluate(() => codesLab.closeInvitation());
    for (const page of pages) {
      await expect
        .poll(async () => (await status(page)).tabs.flatMap(({ path }) => path ?? []), { timeout })
        .toEqual(['direct']);
      expect(await page.evaluate(() => codesLab.browsers())).toBe(1);
    }
    await put(one, 'n', 1);
    expect(await get(two, 'n')).toBe(1);
    // The tabs of one browser are one, whichever of them bridges lead to.
    const sibling = await openPage(profiles[1]!);
    await sibling.evaluate((to) => codesLab.join(to), await one.evaluate(() => roomLab.room!.link));
    await expect.poll(() => sibling.evaluate(() => codesLab.browsers()), { timeout }).toBe(1);
    await expect.poll(async () => (await status(one)).tabs.length, { timeout }).toBe(3);
    expect(await one.evaluate(() => codesLab.browsers())).toBe(1);
    expect(await get(sibling, 'n')).toBe(1);
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});

it('ends with all that was under way, and begins nothing later', async () => {
  const profiles = await openProfiles(2);
  try {
    const [host, guest] = (await Promise.all(profiles.map(openPage))) as [Page, Page];
    const link = await host.evaluate(() => codesLab.create());
    const code = await host.evaluate(() => codesLab.invite());
    const answer = await guest.evaluate((given) => codesLab.answer(given), code);
    await guest.evaluate((to) => codesLab.join(to), link);
    await host.evaluate(() => codesLab.close());
    expect(await host.evaluate((given) => codesLab.accept(given), answer)).toBe('closed');
    await guest.evaluate(() => codesLab.close());
    expect(await guest.evaluate(() => codesLab.opened())).toBe('closed');
    const refusal = host.evaluate(() => codesLab.invite().catch((error: { readonly code: string }) => error.code));
    expect(await refusal).toBe('closed');
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});

it('lets nobody in who has a code without the link of the room', async () => {
  const profiles = await openProfiles(2);
  try {
    const [host, guest] = (await Promise.all(profiles.map(openPage))) as [Page, Page];
    await host.evaluate(() => codesLab.create());
    const code = await host.evaluate(() => codesLab.invite());
    const answer = await guest.evaluate((given) => codesLab.answer(given), code);
    // In a room of its own.
    await guest.evaluate(() => codesLab.create());
    expect(await host.evaluate((given) => codesLab.accept(given), answer)).toBe('wrong_member');
    expect(await guest.evaluate(() => codesLab.opened())).toBe('wrong_member');
    for (const page of [host, guest]) {
      await expect.poll(() => page.evaluate(() => codesLab.browsers()), { timeout }).toBe(0);
      expect((await status(page)).tabs).toHaveLength(1);
    }
    // One meeting is for one room.
    const refusal = guest.evaluate(() => codesLab.create().catch((error: { readonly code: string }) => error.code));
    expect(await refusal).toBe('invalid_argument');
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});

const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');

it('does what the README of the package shows, as it stands there', async () => {
  const [, ...lines] = read('pages/readme-codes.ts').trim().split('\n');
  expect(read('../../packages/raftkv/README.md')).toContain(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``);
  const profiles = await openProfiles(2);
  try {
    const [host, guest] = profiles as [Profile, Profile];
    const text = async (page: Page, isWanted: RegExp): Promise<string> => {
      await page.locator('body', { hasText: isWanted }).waitFor({ timeout });
      return (await page.locator('body').textContent())!.trim();
    };
    const inviting = (await host.openTab(stage.url('readme-codes'))).page;
    const address = await text(inviting, /&invitation=/);
    const invited = (await guest.openTab(address)).page;
    const answer = await text(invited, /^\s*[A-Za-z0-9_.-]{100,}\s*$/);
    await inviting.evaluate((pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text', pasted);
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
    }, answer);
    expect(await text(invited, /The kettle is on/)).toBe('The kettle is on.');
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
  }
});
