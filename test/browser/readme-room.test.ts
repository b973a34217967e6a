// The README's example of a room, as it stands there but for the address of the relay: a tab in one browser profile founds, one in another joins by the
// address that the first then has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { openRelay } from './harness/relay.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';

const stage = setStage(['readme-room'], { flags: webRtcFlags });
let relay: Awaited<ReturnType<typeof openRelay>>;
beforeAll(async () => {
  relay = await openRelay();
});
afterAll(() => relay.close());

const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');

it('is in the README as it is run here', () => {
  const [, ...lines] = read('pages/readme-room.ts').trim().split('\n');
  expect(read('../../README.md')).toContain(`\`\`\`ts\n${lines.join('\n')}\n\`\`\``);
});

it('makes a room of two tabs that share their cups', { timeout: 300_000 }, async () => {
  const browser = (await stage.profile()).context.browser()!;
  const profiles = [await Profile.open(browser), await Profile.open(browser)];
  try {
    for (const { context } of profiles) {
      await context.route('**/readme-room.js', async (route) => {
        const answer = await route.fetch();
        const script = (await answer.text()).replace('ws://127.0.0.1:8080/signals', relay.url);
        await route.fulfill({ response: answer, body: script });
      });
    }
    const first = await profiles[0]!.openTab(stage.url('readme-room'));
    await first.page.waitForURL(/#raftkv-room=/, { timeout: 120_000 });
    const second = await profiles[1]!.openTab(first.page.url());
    // Lines are elements of their own there, with nothing between them.
    for (const { page } of [first, second]) {
      await page.locator('body', { hasText: '2 tabs, 2 vote' }).waitFor({ timeout: 120_000 });
      await page.locator('body', { hasText: /the first\s*one more$/ }).waitFor({ timeout: 120_000 });
    }
  } finally {
    for (const profile of profiles) await profile.close();
  }
});
