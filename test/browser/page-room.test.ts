// The room as a stranger has it, on a static host: tabs find each other, elect a leader, go on when tabs are closed and broken; the checker counts, and catches what
// goes wrong when a rule is broken; traces are saved and played again; all of it by keyboard, and on a phone.
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchChromium, webRtcFlags } from './harness/chromium.ts';
import { serveBuiltPage } from './harness/static-host.ts';
import type { StaticHost } from './harness/static-host.ts';

let browser: Browser;
let host: StaticHost;
let context: BrowserContext | undefined;
let complaints: string[] = [];
const timeout = 40_000;

beforeAll(async () => {
  [browser, host] = await Promise.all([launchChromium(webRtcFlags), serveBuiltPage()]);
});
afterEach(async () => {
  await context?.close();
  context = undefined;
  complaints = [];
});
afterAll(async () => {
  await browser?.close();
  await host?.close();
});

async function visit(path: string, { width = 1280, height = 1000 } = {}): Promise<Page> {
  context ??= await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A static host has no /livez, which is how the page finds out that it is on one.
    const isExpected = /404/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isExpected) complaints.push(message.text());
  });
  await page.goto(host.url + path);
  return page;
}

const stateLine = (page: Page) => page.locator('.state-line');
const until = (page: Page, text: string | RegExp) => stateLine(page).filter({ hasText: text }).waitFor({ timeout });
const voters = (page: Page, text: string) => page.locator('.ring-panel', { hasText: text }).waitFor({ timeout });
const leaderOn = (page: Page) => page.locator('.seat.is-leads .name').textContent({ timeout });
const verdict = async (page: Page) => {
  const [violations, operations] = await page.locator('.verdict p').first().locator('strong, b').allTextContents();
  return { violations: Number(violations), operations: Number(operations!.replaceAll(',', '')) };
};

/** So many tabs of one room, all voting. */
async function openRoom(tabs: number): Promise<Page[]> {
  const first = await visit('#/room');
  await first.getByRole('button', { name: 'Make a room' }).click();
  await until(first, 'You lead');
  const link = await first.getByRole('textbox', { name: 'Link to this room' }).inputValue();
  const others: Page[] = [];
  for (let at = 1; at < tabs; at += 1) others.push(await visit(new URL(link).hash));
  const pages = [first, ...others];
  for (const page of pages) await voters(page, `${tabs} of ${tabs} voters here`);
  return pages;
}

async function splitLeader(pages: readonly Page[]): Promise<{ readonly leader: Page; readonly others: Page[] }> {
  const names = await Promise.all(pages.map((page) => page.locator('.seat.is-self .name').textContent()));
  const leads = await leaderOn(pages[0]!);
  const leader = pages[names.indexOf(leads)]!;
  return { leader, others: pages.filter((page) => page !== leader) };
}

describe('a room without a server', () => {
  it('is what a page on a static host opens with', async () => {
    const page = await visit('');
    await page.getByRole('button', { name: 'Make a room' }).waitFor({ timeout });
    expect(page.url()).toContain('#/room');
  });

  it('has one leader on all pages, checks what they do, and goes on as tabs are closed, down to one', async () => {
    const pages = await openRoom(3);
    const leaders = await Promise.all(pages.map(leaderOn));
    expect(new Set(leaders).size).toBe(1);
    await pages[1]!.locator('.link-label', { hasText: 'BroadcastChannel' }).first().waitFor({ timeout });
    await pages[1]!.locator('.flights circle').first().waitFor({ state: 'attached', timeout });
    const { leader, others } = await splitLeader(pages);
    await leader.close();
    for (const page of others) await until(page, /You lead|You vote here/);
    await expect.poll(() => leaderOn(others[0]!), { timeout }).not.toBe(leaders[0]);
    for (const page of others) await voters(page, '2 of 2 voters here');
    await others[0]!.close();
    const last = others[1]!;
    await voters(last, '1 of 1 voters here');
    await until(last, 'You lead');
    await last.locator('.events', { hasText: 'this tab runs its member too' }).waitFor({ timeout });
    const before = await verdict(last);
    await expect
      .poll(async () => (await verdict(last)).operations, { timeout })
      .toBeGreaterThan(before.operations + 20);
    expect((await verdict(last)).violations).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('keeps its data while every tab is closed', async () => {
    const pages = await openRoom(3);
    await expect.poll(async () => (await verdict(pages[0]!)).operations, { timeout }).toBeGreaterThan(20);
    const link = new URL(pages[0]!.url()).hash;
    const committed = async (page: Page) =>
      Number(
        /([\d,]+) committed/
          .exec((await page.locator('.ring-panel .panel-head').textContent())!)![1]!
          .replaceAll(',', ''),
      );
    const before = await committed(pages[0]!);
    expect(before).toBeGreaterThan(10);
    for (const page of pages) await page.close();
    const again = [await visit(link), await visit(link)];
    for (const page of again) await until(page, /You lead|You vote here/);
    expect(await committed(again[0]!)).toBeGreaterThanOrEqual(before);
    // What the tabs wrote in their earlier life is found, and is no violation.
    for (const page of again) {
      await expect.poll(async () => (await verdict(page)).operations, { timeout }).toBeGreaterThan(20);
      expect(await page.locator('.proof').allTextContents()).toEqual([]);
    }
  });
});

describe('two browsers', () => {
  it('are joined by an invitation, and by nothing else; further tabs of either come in by themselves', async () => {
    const [first] = await openRoom(1);
    await first!.getByRole('button', { name: /Invite another browser/ }).click();
    const invitation = await first!.getByRole('textbox', { name: 'Invitation for another browser' }).inputValue();
    const elsewhere = await browser.newContext();
    try {
      const second = await elsewhere.newPage();
      await second.goto(invitation);
      const code = second.getByRole('textbox', { name: 'Code to carry back' });
      await expect.poll(() => code.inputValue(), { timeout }).toMatch(/^\S{100,}$/);
      await first!.getByRole('textbox', { name: 'Code from the other browser' }).fill('not a code');
      await first!.getByRole('button', { name: 'Connect' }).click();
      await first!.getByRole('alert').filter({ hasText: /./ }).waitFor();
      await first!.getByRole('textbox', { name: 'Code from the other browser' }).fill(await code.inputValue());
      await first!.getByRole('button', { name: 'Connect' }).click();
      for (const page of [first!, second]) await voters(page, '2 of 2 voters here');
      await second.locator('.link-label', { hasText: 'WebRTC' }).first().waitFor({ timeout });
      expect(await stateLine(second).textContent()).not.toContain('they fail together');
      expect(second.url()).not.toContain('invited');
      const third = await elsewhere.newPage();
      await third.goto(second.url());
      for (const page of [first!, second, third]) await voters(page, '3 of 3 voters here');
      await third.locator('.link-label', { hasText: 'BroadcastChannel' }).first().waitFor({ timeout });
      await third.locator('.link-label', { hasText: 'WebRTC' }).first().waitFor({ timeout });
    } finally {
      await elsewhere.close();
    }
  });
});

describe('the fault panel', () => {
  it('cuts links, loses and delays messages, freezes, kills, and loses the storage of this tab alone', async () => {
    const pages = await openRoom(3);
    const { leader, others } = await splitLeader(pages);
    const [broken, witness] = others as [Page, Page];
    const leads = (await leaderOn(broken))!;
    await broken.locator('.cuts label', { hasText: leads }).click();
    await until(broken, `The link to ${leads} is cut`);
    await broken.locator('.link-label.is-cut').waitFor();
    await broken.getByRole('button', { name: 'Heal all' }).click();
    await broken.getByRole('slider', { name: /Messages lost/ }).fill('30');
    await broken.getByRole('slider', { name: /takes longer/ }).fill('100');
    await until(broken, '30 % of the messages are lost, every message takes 100 ms longer');
    await broken.locator('.flights .is-lost').first().waitFor({ state: 'attached', timeout });
    await broken.getByRole('button', { name: 'Heal all' }).click();

    await leader.getByRole('button', { name: 'Freeze 5 s' }).click();
    await until(leader, 'This tab is frozen');
    await expect.poll(() => leaderOn(witness), { timeout }).not.toBe(leads);
    await leader.getByRole('button', { name: /Thaw/ }).click();
    await until(leader, /You lead|You vote here/);

    await witness.getByRole('button', { name: 'Kill' }).click();
    await witness.locator('.events', { hasText: 'is back with what is on its disk' }).waitFor({ timeout });
    await until(witness, /You lead|You vote here/);

    const name = (await broken.locator('.seat.is-self .name').textContent())!;
    await broken.getByRole('button', { name: 'Lose storage' }).click();
    await expect.poll(() => broken.locator('.seat.is-self .name').textContent(), { timeout }).not.toBe(name);
    for (const page of pages) {
      await voters(page, '3 of 3 voters here');
      expect((await verdict(page)).violations).toBe(0);
    }
    expect(complaints).toEqual([]);
  });
});

describe('the laboratory', () => {
  it.each([
    ['Acknowledge before durability', /went back in time|one revision|before an earlier one/],
    ['Skip the fence', /went back in time|one revision|before an earlier one/],
  ])('catches a violation within seconds: %s; and none with the rule kept', async (title, proof) => {
    const page = await visit('#/room/break-it');
    await page.getByRole('radio', { name: title }).check();
    await page.getByRole('button', { name: 'Run the story' }).click();
    await until(page, 'Not linearizable');
    await page.getByRole('alert').filter({ hasText: proof }).waitFor();
    expect(await page.locator('.proof li').count()).toBe(2);
    expect((await verdict(page)).violations).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'The same story with the rule kept' }).click();
    await until(page, /^\s*Linearizable/);
    const { violations, operations } = await verdict(page);
    expect(violations).toBe(0);
    expect(operations).toBeGreaterThan(60);
    expect(complaints).toEqual([]);
  });
});

describe('a trace', () => {
  it('is saved from a room and played again, step by step', async () => {
    const [page] = await openRoom(1);
    await expect.poll(async () => (await verdict(page!)).operations, { timeout }).toBeGreaterThan(10);
    const [download] = await Promise.all([
      page!.waitForEvent('download'),
      page!.getByRole('button', { name: 'Save the trace' }).click(),
    ]);
    const path = await download.path();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const replay = await visit('#/room/replay');
    await replay.getByLabel('Open a trace').setInputFiles(path);
    await until(replay, 'The same answers');
    await replay
      .locator('.scrubber', { hasText: `of ${new Intl.NumberFormat('en').format(lines.length - 1)}` })
      .waitFor();
    const fact = (name: string) => replay.locator('.core-numbers div', { hasText: name }).locator('dd').textContent();
    expect(await fact('Role')).toBe('leader');
    await replay
      .getByRole('button', { name: /candidate in term 1/ })
      .first()
      .click();
    expect(await fact('Role')).toMatch(/candidate/);
    await replay.getByRole('slider', { name: 'Step' }).fill('0');
    expect(await fact('Role')).toBe('follower');
    expect(await fact('Term')).toBe('0');
    await replay.getByRole('button', { name: 'One step on' }).click();
    await replay.locator('.scrubber', { hasText: 'Step 1 of' }).waitFor();

    const other = lines.map((line, at) => (at === 60 ? '["s",1,{"type":"campaign"}]' : line)).join('\n');
    await replay
      .getByLabel('Open a trace')
      .setInputFiles({ name: 'other.jsonl', mimeType: 'text/plain', buffer: Buffer.from(other) });
    await until(replay, 'Other answers from line');
    await replay
      .getByLabel('Open a trace')
      .setInputFiles({ name: 'none.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await until(replay, 'this is no flight recording');
  });
});

describe('the page of a room', () => {
  it('is worked with the keyboard alone', async () => {
    const page = await visit('#/room');
    await page.getByRole('button', { name: 'Make a room' }).focus();
    await page.keyboard.press('Enter');
    await until(page, 'You lead');
    const reached = new Set<string>();
    await page.locator('body').evaluate((body) => body.focus());
    for (let at = 0; at < 40; at += 1) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate(() => {
          const element = document.activeElement as HTMLElement | null;
          const label =
            element?.getAttribute('aria-label') ?? element?.closest('label')?.textContent ?? element?.textContent;
          return (label ?? '').trim();
        }),
      );
    }
    const all = [...reached].join('\n');
    for (const name of [
      'Link to this room',
      'Copy',
      'Invite another browser',
      'Workload',
      'Messages lost',
      'Freeze 5 s',
      'Kill',
      'Lose storage',
      'Save the trace',
    ]) {
      expect(all).toContain(name);
    }
    await page.getByRole('button', { name: 'Freeze 5 s' }).focus();
    await page.keyboard.press('Space');
    await until(page, 'This tab is frozen');
  });

  it.each(['#/room', '#/room/break-it', '#/room/replay', 'a room'])('fits a narrow window: %s', async (path) => {
    context = await browser.newContext({ viewport: { width: 360, height: 740 } });
    const page = path === 'a room' ? (await openRoom(1))[0]! : await visit(path);
    await page.locator('.landing, .panel').first().waitFor({ timeout });
    const wide = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      outside: [...document.querySelectorAll('.page *')]
        .filter((element) => {
          const { right, width } = element.getBoundingClientRect();
          return width > 0 && right > 361;
        })
        .map((element) => element.outerHTML.slice(0, 90)),
    }));
    expect(wide).toEqual({ width: 360, outside: [] });
  });

  it('moves nothing for who wants less motion', async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    const pages = await openRoom(2);
    await pages[0]!.locator('.link-label .rate', { hasText: /[1-9]\d* msg\/s/ }).waitFor({ timeout });
    expect(await pages[0]!.locator('.flights circle').count()).toBe(0);
  });
});
