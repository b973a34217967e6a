// The suites of `transports.test.ts` in a real Firefox: meshes over each way in which tabs can be joined, channels over a relay and over its WebSockets.
import { beforeAll, expect, it } from 'vitest';
import type { Page } from 'puppeteer-core';
import { findFirefox, webRtcPreferences } from './harness/firefox.ts';
import { setFirefoxStage } from './harness/firefox-stage.ts';
import { declareTransportSuites } from './harness/transport-suites.ts';

const stage = setFirefoxStage(['transports'], webRtcPreferences);
let page: Page;
beforeAll(async () => {
  if (stage.isWanted) page = await stage.openTab('transports');
});

for (const declare of stage.isWanted ? [declareTransportSuites] : []) {
  declare((url, title) => page.evaluate((way, name) => transportLab.run(way, name), url, title));
}

it('nothing is left out where there is a Firefox', () => {
  expect(stage.isWanted || findFirefox() === undefined).toBe(true);
});
