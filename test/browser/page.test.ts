// The page as a visitor has it, served by `raftkv dev` out of the build: two tabs see each other's cards, go on when the leader is killed from the
// page, and work offline; bad days are said in plain words; it fits a phone, holds still while it loads, and asks nobody else for anything.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchChromium } from './harness/chromium.ts';
import { DevCluster } from './harness/dev-cluster.ts';

let browser: Browser;
let cluster: DevCluster;
let context: BrowserContext | undefined;
/** What the console said that is no broken connection: those are part of a cluster that is broken on purpose. */
let complaints: string[];

beforeAll(async () => {
  [browser, cluster] = await Promise.all([launchChromium(), DevCluster.start()]);
});
afterEach(async () => {
  await context?.close();
  context = undefined;
  await cluster.kv.deleteRange({ all: true }, { timeoutMilliseconds: 60_000 });
});
afterAll(async () => {
  await browser?.close();
  await cluster?.stop();
});

interface Visit {
  readonly room?: string;
  readonly width?: number;
  readonly height?: number;
  readonly before?: (page: Page) => Promise<unknown> | void;
  readonly isReady?: boolean;
}

/** A tab of this test's visitor, once it has a copy and the cluster is seen. */
async function visit({ room = '', width = 1280, height = 900, before, isReady = true }: Visit = {}): Promise<Page> {
  context ??= await browser.newContext({ viewport: { width, height } });
  complaints = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A node that is killed may have taken a request, and have answered nothing or a part.
    const isBroken = /ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET)|WebSocket connection/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isBroken) complaints.push(message.text());
  });
  await before?.(page);
  await page.goto(cluster.url(room));
  if (isReady) await page.waitForSelector('.state-line.is-good', { timeout: 90_000 });
  return page;
}

async function addCard(page: Page, title: string): Promise<void> {
  await page.fill('.add input', title);
  await page.press('.add input', 'Enter');
}
const card = (page: Page, title: string) => page.locator('li.card', { hasText: title });
const stateLine = (page: Page) => page.locator('.state-line');
const until = (page: Page, text: string | RegExp) =>
  stateLine(page).filter({ hasText: text }).waitFor({ timeout: 90_000 });
/** By what the members themselves say. */
const member = (page: Page, name: string) => page.locator('li.node', { hasText: name });

describe('the board', () => {
  it('shows in one tab what another writes, with how far it has come', async () => {
    const first = await visit();
    const second = await visit();
    await addCard(first, 'Written in the first');
    await card(second, 'Written in the first').waitFor();
    await card(first, 'Committed at').waitFor();
    await card(second, 'Written in the first').getByRole('button', { name: /right/ }).click();
    await first.locator('.lane', { hasText: 'Doing' }).getByText('Written in the first').waitFor();
    await first.locator('.writes li', { hasText: 'Committed' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('refuses to save over what somebody else changed, and says so', async () => {
    const first = await visit();
    const second = await visit();
    await addCard(first, 'Draft');
    await card(second, 'Committed').waitFor();
    for (const page of [first, second])
      await card(page, 'Draft')
        .getByRole('button', { name: /Rename/ })
        .click();
    await second.fill('li.card form input', 'Theirs');
    await second.press('li.card form input', 'Enter');
    await card(second, 'Theirs').waitFor();
    await first.fill('li.card form input', 'Mine');
    await first.press('li.card form input', 'Enter');
    const conflict = first.getByRole('alert').filter({ hasText: 'Theirs' });
    await conflict.waitFor();
    await first.locator('.writes li', { hasText: /Refused.*changed it to “Theirs”/ }).waitFor();
    expect((await cluster.kv.scan({ prefix: 'board/' }).all()).map(({ value }) => value)).toMatchObject([
      { title: 'Theirs' },
    ]);
    await first.getByRole('button', { name: 'Save mine over it' }).click();
    await card(second, 'Mine').waitFor();
  });

  it('keeps what is written offline, and sends it once and in order', async () => {
    const first = await visit();
    const second = await visit();
    await first.getByRole('switch', { name: 'Online' }).click();
    await until(first, 'working offline');
    for (const title of ['One', 'Two', 'Three']) await addCard(first, title);
    await first.locator('li.card', { hasText: 'Waiting on this device' }).nth(2).waitFor();
    await until(first, '3 writes wait here');
    expect(await second.locator('li.card').count()).toBe(0);
    await first.getByRole('switch', { name: 'Online' }).click();
    await second.locator('li.card').nth(2).waitFor();
    expect(await second.locator('li.card .title').allTextContents()).toEqual(['One', 'Two', 'Three']);
    const stored = await cluster.kv.scan({ prefix: 'board/' }).all();
    expect(stored.map(({ version }) => version)).toEqual([1, 1, 1]);
    await until(first, 'In step');
  });

  it('is worked with the keyboard alone, which stays with a card that it moves', async () => {
    const page = await visit();
    await addCard(page, 'By keys');
    await card(page, 'Committed').focus();
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest('.lane')?.querySelector('h3')?.textContent);
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(focused).toMatch(/^Doing/);
    await page.keyboard.press('Enter');
    await page.keyboard.type('Renamed');
    await page.keyboard.press('Enter');
    await card(page, 'Renamed').waitFor();
    await page.keyboard.press('Delete');
    await page.getByText('“Renamed” is gone.').waitFor();
    await page.keyboard.press('Enter');
    await card(page, 'Renamed').waitFor();
  });
});

describe('the cluster', () => {
  it('goes on for both tabs when its leader is killed from the page, and heals from there', async () => {
    const first = await visit();
    const second = await visit();
    const name = (await first.locator('li.node.is-leader strong').first().textContent())!;
    await member(first, name).getByRole('button', { name: /Kill/ }).click();
    await addCard(first, 'Without the leader');
    await addCard(second, 'Neither here');
    for (const page of [first, second]) {
      await card(page, 'Without the leader').getByText('Committed').waitFor({ timeout: 90_000 });
      await card(page, 'Neither here').getByText('Committed').waitFor({ timeout: 90_000 });
      await until(page, '2 of 3 nodes answer');
    }
    await first.locator('.events', { hasText: `${name} was killed` }).waitFor();
    await member(first, name).getByRole('button', { name: /Start/ }).click();
    for (const page of [first, second]) await until(page, 'In step');
    expect(complaints).toEqual([]);
  });

  it('says when it has no majority; writes wait and leave later', async () => {
    const page = await visit();
    for (const name of ['node2', 'node3']) {
      await member(page, name).getByRole('button', { name: /Pause/ }).click();
      await member(page, name).getByText('paused').waitFor();
    }
    await until(page, '1 of 3 nodes answer, and 2 must agree');
    await addCard(page, 'Waits for a majority');
    await until(page, 'One write waits here');
    for (const name of ['node2', 'node3']) {
      await member(page, name)
        .getByRole('button', { name: /Resume/ })
        .click();
    }
    await card(page, 'Waits for a majority').getByText('Committed').waitFor({ timeout: 90_000 });
    await until(page, 'In step');
  });

  it('draws what travels between its members', async () => {
    const page = await visit();
    await page
      .locator('.ring .edge text', { hasText: /[1-9]\d* msg\/s/ })
      .first()
      .waitFor();
    await page.locator('.ring .dots circle').first().waitFor({ state: 'attached' });
  });

  it('cannot be broken from a page without the key', async () => {
    const page = await visit({
      before: (each) => each.route('**/dev.json', (route) => route.fulfill({ json: { control: null } })),
    });
    await page.locator('li.node').first().waitFor();
    expect(await page.locator('.controls').count()).toBe(0);
    await page.getByText('Can be broken from here under raftkv dev').waitFor();
  });
});

describe('the search', () => {
  it('finds by the beginning of a name while it is typed, and shows what is chosen', async () => {
    const names = [
      'Reykjavík',
      'Reykholt',
      'Réunion',
      'Berlin',
      ...Array.from({ length: 300 }, (_, at) => `San ${at}`),
    ];
    await cluster.kv.batch(
      names.map((name, at) => ({
        type: 'put' as const,
        key: `city/${name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()}/${at}`,
        value: { name, country: at < 2 ? 'IS' : 'FR', region: '1', population: 1_000 + at, at: [-21.9, 64.1] },
      })),
    );
    const page = await visit({ room: 'cities' });
    await page.locator('.found-line', { hasText: '304 cities in this tab' }).waitFor();
    const box = page.getByRole('combobox');
    await box.pressSequentially('reyk');
    await page.locator('.found-line', { hasText: '2 cities begin with “reyk”' }).waitFor();
    expect(await page.getByRole('option').count()).toBe(2);
    await box.press('ArrowDown');
    await box.press('ArrowDown');
    await page.locator('.details', { hasText: 'Iceland' }).getByText('64.1000° N, 21.9000° W').waitFor();
    await page.getByRole('button', { name: /Linearizable/ }).click();
    await page.getByRole('button', { name: /Linearizable.*ms/ }).waitFor();
    await box.fill('REYKJAVÍK');
    await page.locator('.found-line', { hasText: '1 city begins with' }).waitFor();
    await box.fill('san ');
    await page.getByRole('button', { name: 'Show 100 more of 200' }).click();
    await page.getByRole('button', { name: 'Show 100 more of 100' }).waitFor();
    await box.fill('xyz');
    await page.getByText('No city begins with “xyz”.').waitFor();
    // A city that is put meanwhile shows up by itself.
    await cluster.kv.put('city/xyzzy/1', { name: 'Xyzzy', country: 'XX', region: '', population: 1, at: [0, 0] });
    await page.getByRole('option', { name: /Xyzzy/ }).waitFor();
    await page.locator('.found-line', { hasText: '1 city begins with “xyz”' }).waitFor();
    await box.fill('');
    await page.locator('.found-line', { hasText: '305 cities in this tab' }).waitFor();
  });
});

describe('a bad day', () => {
  it('of storage that is blocked is said, and the page works from memory', async () => {
    const page = await visit({
      isReady: false,
      before: (each) =>
        each.addInitScript(() => {
          IDBFactory.prototype.open = () => {
            throw new DOMException('denied', 'SecurityError');
          };
        }),
    });
    await until(page, 'This browser keeps nothing');
    await addCard(page, 'From memory');
    await card(page, 'From memory').getByText('Committed').waitFor();
    await page.locator('.tab-panel', { hasText: 'memory only' }).waitFor();
  });

  it('of storage that is full is said, and nothing that was acknowledged is lost', async () => {
    for (let round = 0; round < 5; round++) {
      await cluster.kv.batch(
        Array.from({ length: 100 }, (_, at) => ({
          type: 'put' as const,
          key: `fill/${round}/${at}`,
          value: randomBytes(2_000).toString('base64'),
        })),
      );
    }
    const page = await visit({
      isReady: false,
      before: async (each) => {
        const protocol = await each.context().newCDPSession(each);
        const { origin } = new URL(cluster.url());
        await protocol.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 300_000 });
      },
    });
    await until(page, 'storage is full');
    await addCard(page, 'On a full disk');
    await card(page, 'On a full disk').getByText('Committed').waitFor();
    expect((await cluster.kv.scan({ prefix: 'board/' }).all()).length).toBe(1);
  });

  it('of a cluster that was thrown away and made anew is said, and mended by forgetting the copy', async () => {
    const page = await visit();
    await addCard(page, 'Of the old cluster');
    await card(page, 'Of the old cluster').getByText('Committed').waitFor();
    await page.locator('.tab-panel', { hasText: 'IndexedDB, relaxed' }).waitFor();
    cluster = await DevCluster.startAnew(cluster);
    await page.reload();
    await until(page, 'This is another cluster');
    // What was kept is still to be read.
    await card(page, 'Of the old cluster').waitFor();
    await page.getByRole('button', { name: 'Forget this copy' }).click();
    await page.getByRole('button', { name: /Forget, and/ }).click();
    await until(page, 'In step');
    await page.getByText('The board is empty').waitFor();
  });

  it('that ends in forgetting the copy begins anew with another one', async () => {
    const page = await visit();
    await page.locator('.tab-panel', { hasText: 'IndexedDB, relaxed' }).waitFor();
    const replicaOf = () => page.locator('.tab-panel .facts dd').first().textContent();
    const before = await replicaOf();
    await page.getByRole('button', { name: 'Forget this copy' }).click();
    await page.getByRole('button', { name: /fetch it anew/ }).click();
    await expect.poll(replicaOf, { timeout: 90_000 }).not.toBe(before);
    await until(page, 'In step');
  });
});

describe('the page', () => {
  it.each(['board', 'cities', 'cluster', 'tab'])('fits a narrow window: %s', async (room) => {
    const page = await visit({ room, width: 360, height: 740 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(360);
    const outside = await page.evaluate(() =>
      [...document.querySelectorAll('.page *')]
        .filter((element) => {
          const { right, width: own } = element.getBoundingClientRect();
          return own > 0 && right > 361;
        })
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    expect(outside).toEqual([]);
  });

  it.each([1280, 360])('holds still while it loads, at %i pixels', async (width) => {
    const page = await visit({
      width,
      before: (each) =>
        each.addInitScript(() => {
          Object.assign(globalThis, { shifts: [] });
          new PerformanceObserver((list) => {
            const { shifts } = globalThis as unknown as { shifts: unknown[] };
            for (const entry of list.getEntries() as (PerformanceEntry & {
              value: number;
              hadRecentInput: boolean;
            })[]) {
              if (!entry.hadRecentInput) shifts.push(entry.value);
            }
          }).observe({ type: 'layout-shift', buffered: true });
        }),
    });
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts);
    expect(shifts.reduce((sum, value) => sum + value, 0)).toBeLessThan(0.02);
  });

  it('asks nobody but the cluster for anything, and breaks no rule of its content policy', async () => {
    const asked = new Set<string>();
    const page = await visit({
      before: (each) => void each.on('request', (request) => asked.add(new URL(request.url()).hostname)),
    });
    for (const room of ['Cities', 'Board']) await page.getByRole('link', { name: room }).click();
    expect([...asked]).toEqual(['127.0.0.1']);
    expect(complaints).toEqual([]);
    const policy = (await page.request.get(cluster.url())).headers()['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
  });

  it('has a dark and a light side, whichever the system has', async () => {
    const page = await visit();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    const button = page.getByRole('button', { name: /Colours/ });
    await button.click();
    expect(await ground()).toBe(light);
    await button.click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.waitForSelector('.state-line');
    expect(await ground()).toBe(dark);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: /Colours/ }).click();
    expect(await ground()).toBe(dark);
  });
});
