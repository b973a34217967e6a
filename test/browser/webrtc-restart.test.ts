// A way that is really lost between two browsers, and found again: the processes of one side's pages stand still, so nothing comes back from there any more, and the
// other side restarts ICE. What is negotiated then is the browser's; that it is asked for, and that the channel lives on, is ours, in the page and in a worker.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, processesOf, webRtcFlags } from './harness/chromium.ts';
import { serveSite } from './harness/site.ts';
import type { Site } from './harness/site.ts';

const timeout = 90_000;
let browsers: Browser[] = [];
let site: Site | undefined;
beforeAll(async () => {
  [site, ...browsers] = await Promise.all([
    serveSite(['webrtc-restart']),
    launchChromium(webRtcFlags),
    launchChromium(webRtcFlags),
  ]);
});
afterAll(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await site?.close();
});

/** Two pages, each in a browser of its own, whose signals go from one to the other. */
async function openPair(isOffThread: boolean): Promise<[Page, Page]> {
  const [a, b] = await Promise.all(browsers.map((browser) => browser.newPage()));
  const pair: [Page, Page] = [a!, b!];
  for (const [from, to, id] of [
    [a!, b!, 'a'],
    [b!, a!, 'b'],
  ] as const) {
    // What cannot be told to a page that stands still waits there.
    await from.exposeFunction('carryOver', (signal: unknown) => {
      void to.evaluate((one) => restartLab.hear(one), signal).catch(() => undefined);
    });
    await from.goto(site!.url('webrtc-restart'), { waitUntil: 'load' });
    await from.evaluate(([self, there]) => restartLab.open(self, there), [id, isOffThread] as const);
  }
  return pair;
}

const fragments = (page: Page): Promise<string[]> => page.evaluate(() => restartLab.fragments());
const heard = (page: Page): Promise<number[]> => page.evaluate(() => restartLab.heard());

async function stall(page: Page): Promise<() => void> {
  const renderers = (await processesOf(page.context())).filter(({ type }) => type === 'renderer');
  const signal = (name: NodeJS.Signals): void => {
    for (const { id } of renderers) process.kill(id, name);
  };
  signal('SIGSTOP');
  return () => signal('SIGCONT');
}

it.each([
  ['in the page', false],
  ['in a worker, for which the page has the connection', true],
])(
  'a way that was lost is negotiated anew, and the channel that led over it lives on, %s',
  { timeout: 300_000 },
  async (_, isOffThread) => {
    const [a, b] = await openPair(isOffThread);
    await a.evaluate(() => restartLab.dial('b'));
    await a.evaluate(() => restartLab.say(1));
    await expect.poll(() => heard(b), { timeout }).toEqual([1]);
    const [ofA, ofB] = [await fragments(a), await fragments(b)];
    expect([ofA.length, ofB.length]).toEqual([1, 1]);

    const goOn = await stall(b);
    try {
      await expect.poll(() => a.evaluate(() => restartLab.states()), { timeout }).not.toEqual(['connected']);
      await a.evaluate(() => restartLab.say(2));
      await expect.poll(() => fragments(a), { timeout }).not.toEqual(ofA);
    } finally {
      goOn();
    }
    await expect.poll(() => fragments(b), { timeout }).not.toEqual(ofB);
    for (const page of [a, b]) {
      await expect.poll(() => page.evaluate(() => restartLab.states()), { timeout }).toEqual(['connected']);
    }
    await b.evaluate(() => restartLab.say(3));
    await a.evaluate(() => restartLab.say(4));
    await expect.poll(() => heard(b), { timeout }).toEqual([1, 2, 4]);
    await expect.poll(() => heard(a), { timeout }).toEqual([3]);
    for (const page of [a, b]) {
      expect(await page.evaluate(() => restartLab.ends())).toEqual([]);
      await page.close();
    }
  },
);
