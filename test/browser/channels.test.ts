// The conformance suite of the Channel contract in a real Chromium, over each kind of channel that a browser has. The suite is declared here by its
// titles; its bodies run in the tab.
import { beforeAll, describe, expect, it } from 'vitest';
import { describeChannel } from '@raftkv/transport/conformance';
import { setStage } from './harness/stage.ts';
import { webRtcFlags } from './harness/chromium.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['channels'], { keepProfile: true, flags: webRtcFlags });
let tab: Tab;
beforeAll(async () => {
  tab = await stage.openTab('channels');
});

const kinds = ['BroadcastChannel', 'MessagePort', 'WebRTC, ordered', 'WebRTC, unordered', 'WebRTC, the bulk pipe'];
for (const kind of kinds) {
  describeChannel(kind, () => Promise.reject(new Error('channels are in the tab')), {
    describe,
    it: (title) =>
      it(`${title}`, async () => {
        const whole = expect.getState().currentTestName!;
        await tab.page.evaluate(([way, name]) => channelLab.runConformance(way, name), [kind, whole] as const);
      }),
    expect,
  });
}

it('the suite in the tab can fail', async () => {
  const run = tab.page.evaluate(() => channelLab.runConformance('MessagePort', 'no such test'));
  await expect(run).rejects.toThrow('no test is called');
});

it('lets a ping pass 16 MiB of bulk that are under way, which behind it would have to wait', async () => {
  const bytes = 16 * 1024 * 1024;
  const pass = (on: 'channel' | 'bulk'): Promise<number> =>
    tab.page.evaluate(([size, way]) => channelLab.passBulk(size, way), [bytes, on] as const);
  expect(await pass('bulk')).toBe(bytes);
  // On a busy machine the tab may sleep at that very moment, but not each time.
  await expect.poll(() => pass('channel')).toBeLessThan(bytes / 4);
});
