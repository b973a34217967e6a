// The conformance suite of the Channel contract in a real Firefox, over each kind of channel that a browser has. Run where Firefox is present, and
// always in CI, which installs it.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { describeChannel } from '@raftkv/transport/conformance';
import { webRtcPreferences } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';

const stage = setFirefoxStage(['channels'], webRtcPreferences);
let page: Page;
beforeAll(async () => {
  if (stage.isWanted) page = await stage.openTab('channels');
});

const kinds = ['BroadcastChannel', 'MessagePort', 'WebRTC, ordered', 'WebRTC, unordered', 'WebRTC, the bulk pipe'];
for (const kind of stage.isWanted ? kinds : []) {
  describeChannel(kind, () => Promise.reject(new Error('channels are in the tab')), {
    describe,
    it: (title) =>
      it(`${title}`, async () => {
        const whole = expect.getState().currentTestName!;
        await page.evaluate((way, name) => channelLab.runConformance(way, name), kind, whole);
      }),
    expect,
  });
}

it('lets a ping pass 16 MiB of bulk that are under way', async () => {
  if (!stage.isWanted) return;
  const bytes = 16 * 1024 * 1024;
  // On a busy machine the tab may sleep at that very moment, but not each time.
  const pass = (): Promise<number> => page.evaluate((size) => channelLab.passBulk(size, 'channel'), bytes);
  await expect.poll(pass).toBeLessThan(bytes / 4);
});
