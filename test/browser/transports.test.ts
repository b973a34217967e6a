// The suite of the Transport contract in a real Chromium, over each way in which tabs can be joined, and that of channels over a relay, with the browser's
// own WebSockets. Declared here by their titles; their bodies run in the tab, the relay here.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeChannel, describeTransport } from '@raftkv/transport/conformance';
import type { ConformanceRunner } from '@raftkv/transport/conformance';
import { acceptWebSockets } from '@raftkv/transport/node';
import { openSignalRelay } from '@raftkv/transport/webrtc';
import { webRtcFlags } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['transports'], { keepProfile: true, flags: webRtcFlags });
const server = createServer();
const relay = openSignalRelay();
const acceptor = acceptWebSockets(server, [
  { path: '/signals', protocol: 'raftkv-signals.v1', onChannel: (channel) => relay.accept(channel) },
]);
let tab: Tab;
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/signals`;
  tab = await stage.openTab('transports');
});
afterAll(async () => {
  relay.close();
  acceptor.close();
  await new Promise((resolve) => server.close(resolve));
});

const inTab: ConformanceRunner = {
  describe,
  it: (title) =>
    it(`${title}`, async () => {
      const whole = expect.getState().currentTestName!;
      await tab.page.evaluate(([way, name]) => transportLab.run(way, name), [url, whole] as const);
    }),
  expect,
};
const elsewhere = () => Promise.reject(new Error('it is in the tab'));

for (const kind of ['a mesh over BroadcastChannels', 'a mesh over WebRTC', 'a mesh through a relay']) {
  describeTransport(kind, elsewhere, inTab);
}
describeChannel('a channel through a relay', elsewhere, inTab);

it('the suite in the tab can fail', async () => {
  await expect(tab.page.evaluate((way) => transportLab.run(way, 'no such test'), url)).rejects.toThrow(
    'no test is called',
  );
});
