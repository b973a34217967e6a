// The page of a tab that was away for so long that the cluster has forgotten its session: what it had sent before is marked, since it may have happened
// or not; what it had not sent leaves, once and in order; and it goes on.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { waitFor } from '../e2e/harness/wait.ts';
import { launchChromium } from './harness/chromium.ts';
import { DevCluster } from './harness/dev-cluster.ts';
import { openSessions } from './harness/open-sessions.ts';

/** As many as a member keeps. */
const keptSessions = 10_000;

let browser: Browser;
let cluster: DevCluster;

beforeAll(async () => {
  [browser, cluster] = await Promise.all([launchChromium(), DevCluster.start()]);
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

const card = (page: Page, title: string) => page.locator('li.card', { hasText: title });
const until = (page: Page, text: string) =>
  page.locator('.state-line').filter({ hasText: text }).waitFor({ timeout: 90_000 });

/** The list of this tab's writes says so of the one with this title. */
const written = (page: Page, title: string, text: string) =>
  page.locator('.writes li', { hasText: title }).getByText(text).waitFor({ timeout: 90_000 });

async function addCard(page: Page, title: string): Promise<void> {
  await page.fill('.add input', title);
  await page.press('.add input', 'Enter');
}

it('says which of its writes may have happened, sends those that had not left, and goes on', async () => {
  const page = await browser.newPage();
  await page.goto(cluster.url());
  await until(page, 'In step');
  await addCard(page, 'Before');
  await card(page, 'Before').getByText('Committed').waitFor();

  // Sent, and nobody can answer: whether it will happen is not known to this tab any more once it has left. All of them are stopped, since one that
  // is awake and finds no leader gives the write back.
  cluster.signalMembers('SIGSTOP');
  await addCard(page, 'Half done');
  await card(page, 'Half done').locator('.badge', { hasText: 'Sent' }).waitFor();
  await page.getByRole('switch', { name: 'Online' }).click();
  await until(page, 'working offline');
  for (const title of ['Kept one', 'Kept two']) await addCard(page, title);
  await until(page, 'writes wait here');
  cluster.signalMembers('SIGCONT');
  await cluster.kv.put('resumed', true, { timeoutMilliseconds: 60_000 });
  // So many at once may end in an election, on a busy machine.
  await waitFor('others have all sessions', () => openSessions(cluster.addresses[0]!, keptSessions).then(() => true), {
    timeoutMilliseconds: 180_000,
  });

  await page.getByRole('switch', { name: 'Online' }).click();
  await written(page, 'Half done', 'Unknown');
  await written(
    page,
    'Half done',
    'It may have happened or not: this tab was away for so long that the cluster forgot its session.',
  );
  for (const title of ['Kept one', 'Kept two']) await written(page, title, 'Committed');
  await until(page, 'This tab was away for too long');

  // The way on: what it may have done is looked up, and the next write is like any other.
  await addCard(page, 'After');
  await written(page, 'After', 'Committed');
  const stored = await cluster.kv.scan({ prefix: 'board/' }).all();
  const titles = stored.map(({ value }) => (value as { title: string }).title);
  expect(titles.filter((title) => title !== 'Half done').toSorted()).toEqual([
    'After',
    'Before',
    'Kept one',
    'Kept two',
  ]);
  expect(stored.every(({ version }) => version === 1)).toBe(true);
  expect(await page.locator('li.card .title').allTextContents()).toEqual(expect.arrayContaining(titles));
  await page.close();
});
