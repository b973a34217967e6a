// Pages of a room that browsers enter by codes: invited as people do it, looked at and waited for. What such a page can be told is in `pages/room-codes.ts`.
import { expect } from 'vitest';
import type { Page } from 'playwright-core';

export const timeout = 120_000;
export const status = (page: Page) => page.evaluate(() => roomLab.status());
export const put = (page: Page, key: string, value: unknown) =>
  page.evaluate(([k, v]) => roomLab.put(k, v), [key, value] as const);
export const get = (page: Page, key: string) => page.evaluate((k) => roomLab.get(k), key);

/** As people do: a code there, a code back. */
export async function invite(host: Page, guest: Page, link: string): Promise<void> {
  const code = await host.evaluate(() => codesLab.invite());
  const answer = await guest.evaluate((given) => codesLab.answer(given), code);
  await guest.evaluate((to) => codesLab.join(to), link);
  expect(await host.evaluate((given) => codesLab.accept(given), answer)).toBe('in');
  expect(await guest.evaluate(() => codesLab.opened())).toBe('in');
}

/** All of these vote, and nobody else. */
export async function allVote(pages: readonly Page[]): Promise<void> {
  for (const page of pages) {
    const wanted = { voters: pages.length, votersHere: pages.length, state: 'works', isChanging: false };
    await expect.poll(async () => (await status(page)).quorum, { timeout }).toMatchObject(wanted);
  }
}
