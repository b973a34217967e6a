// What the page of a room proves and how it is used: the laboratory's checker catches what goes wrong when a rule is broken; traces are saved and played again; all
// of it by keyboard, and on a phone.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { judged, setRoomPages, stateLine, timeout, until, verdict } from './harness/room-pages.ts';

const room = setRoomPages();

describe('the laboratory', () => {
  it.each([
    ['Acknowledge before durability', /went back in time|one revision|before an earlier one/],
    ['Skip the fence', /went back in time|one revision|before an earlier one/],
  ])('catches a violation within seconds: %s; and none with the rule kept', async (title, proof) => {
    const page = await room.visit('#/room/break-it');
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
    expect(room.complaints).toEqual([]);
  });
});

describe('a trace', () => {
  it('is saved from a room and played again, step by step', async () => {
    const [page] = await room.openRoom(1);
    await judged(page!, 10);
    const [download] = await Promise.all([
      page!.waitForEvent('download'),
      page!.getByRole('button', { name: 'Save the trace' }).click(),
    ]);
    const path = await download.path();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const replay = await room.visit('#/room/replay');
    await replay.getByLabel('Open a trace').setInputFiles(path);
    await until(replay, 'The same answers');
    await replay
      .locator('.scrubber', { hasText: `of ${new Intl.NumberFormat('en').format(lines.length - 1)}` })
      .waitFor();
    const fact = (name: string) => replay.locator('.core-numbers div', { hasText: name }).locator('dd').textContent();
    expect(await fact('Role')).toBe('leader');
    await replay
      .getByRole('button', { name: /candidate in term \d/ })
      .first()
      .click();
    expect(await fact('Role')).toMatch(/candidate/);
    await replay.getByRole('slider', { name: 'Step' }).fill('0');
    expect(await fact('Role')).toBe('follower');
    expect(await fact('Term')).toBe('0');
    await replay.getByRole('button', { name: 'One step on' }).click();
    await replay.locator('.scrubber', { hasText: 'Step 1 of' }).waitFor();

    // Another answer, not another input: the core is free to answer an input more, to a leader a campaign say, as it would have without it.
    const answered = lines.findIndex((line, at) => at >= 60 && line.startsWith('["r"'));
    expect(answered).toBeGreaterThan(0);
    const other = lines.map((line, at) => (at === answered ? '["r","0000"]' : line)).join('\n');
    await replay
      .getByLabel('Open a trace')
      .setInputFiles({ name: 'other.jsonl', mimeType: 'text/plain', buffer: Buffer.from(other) });
    await until(replay, `Other answers from line ${new Intl.NumberFormat('en').format(answered + 1)} on`);
    await replay
      .getByLabel('Open a trace')
      .setInputFiles({ name: 'none.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
    await until(replay, 'this is no flight recording');
  });
});

describe('the page of a room', () => {
  it('is worked with the keyboard alone', async () => {
    const page = await room.visit('#/room');
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
    const freeze = page.getByRole('button', { name: 'Freeze 5 s' });
    await freeze.focus();
    const press = async () => {
      // On a busy machine the five seconds may be over before anybody looks.
      if (await freeze.isVisible()) await page.keyboard.press('Space');
      return stateLine(page).textContent();
    };
    await expect.poll(press, { timeout }).toContain('This tab is frozen');
  });

  it.each(['#/room', '#/room/break-it', '#/room/replay', 'a room'])('fits a narrow window: %s', async (path) => {
    await room.setContext({ viewport: { width: 360, height: 740 } });
    const page = path === 'a room' ? (await room.openRoom(1))[0]! : await room.visit(path);
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
    await room.setContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    const pages = await room.openRoom(2);
    await pages[0]!.locator('.link-label .rate', { hasText: /[1-9]\d* msg\/s/ }).waitFor({ timeout });
    expect(await pages[0]!.locator('.flights circle').count()).toBe(0);
  });
});
