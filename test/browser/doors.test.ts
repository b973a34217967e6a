// Tabs of one origin that dial each other by name, without WebRTC: for both purposes, closed, reloaded and killed, in Chromium, whose Web Locks tell.
import { expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['doors']);

async function openTab(id: string): Promise<Tab> {
  const tab = await stage.openTab('doors');
  await tab.page.evaluate((name) => doorLab.open(name), id);
  return tab;
}

const dial = (tab: Tab, to: string, purpose: 'peer' | 'client' = 'peer'): Promise<string> =>
  tab.page.evaluate(([name, what]) => doorLab.dial(name, what), [to, purpose] as const);
const say = (tab: Tab, text: string): Promise<void> => tab.page.evaluate((words) => doorLab.say(words), text);
const heard = (tab: Tab): Promise<readonly string[]> => tab.page.evaluate(() => doorLab.heard());

it('tabs dial each other by name, and a tab that is closed or killed is missed at once', async () => {
  await stage.profile();
  const [a, b] = [await openTab('a'), await openTab('b')];
  // On a busy machine one that answers late is dialled once more.
  await expect.poll(() => dial(a, 'b')).toBe('open');
  await say(a, 'one');
  await expect.poll(() => dial(a, 'b', 'client')).toBe('open');
  await say(a, 'two');
  await expect.poll(() => heard(b)).toEqual(['a as a peer: one', 'a as a client: two']);

  await b.page.reload({ waitUntil: 'load' });
  // A page that goes says so, if it still gets to that: on a busy machine its lock may be free before its word is there.
  const missed = async () => (await heard(a)).map((word) => word.replace('connection_lost', 'closed'));
  await expect.poll(missed).toEqual(['b: closed', 'b: closed']);
  expect(await dial(a, 'b')).toBe('connect_failed');
  await b.page.evaluate(() => doorLab.open('b'));
  await expect.poll(() => dial(a, 'b')).toBe('open');
  await b.kill();
  await expect.poll(async () => (await heard(a)).at(-1)).toBe('b: connection_lost');
  expect(await dial(a, 'b')).toBe('connect_failed');
});
