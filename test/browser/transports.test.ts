// The suite of the Transport contract in a real Chromium, over each way in which tabs can be joined, and that of channels over what needs a server: a relay, and
// the browser's own WebSockets.
import { beforeAll } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';
import { declareTransportSuites } from './harness/transport-suites.ts';

const stage = setStage(['transports'], { keepProfile: true, flags: webRtcFlags });
let tab: Tab;
beforeAll(async () => {
  tab = await stage.openTab('transports');
});

declareTransportSuites((url, title) =>
  tab.page.evaluate(([way, name]) => transportLab.run(way, name), [url, title] as const),
);
