// Declares the suites of transports and channels whose bodies run in a page (`pages/transports.ts`), with the server that they need. Used at the top of the
// test file of each browser.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeChannel, describeTransport } from '@raftkv/transport/conformance';
import type { ConformanceRunner } from '@raftkv/transport/conformance';
import { openMeetingPoint } from './meeting-point.ts';
import type { MeetingPoint } from './meeting-point.ts';

const transports = [
  'a mesh over BroadcastChannels',
  'a mesh over the doors of tabs',
  'a mesh over WebSockets',
  'a mesh over WebRTC',
  'a mesh through a relay',
];
const channels = ['a WebSocket', 'a channel through a relay', 'the bulk pipe of a channel through a relay'];

/** `run` runs the body of this title in the page. */
export function declareTransportSuites(run: (url: string, title: string) => Promise<void>): void {
  let point: MeetingPoint | undefined;
  beforeAll(async () => {
    point = await openMeetingPoint();
  });
  afterAll(() => point?.close());
  const inPage: ConformanceRunner = {
    describe,
    it: (title) => it(`${title}`, () => run(point!.url, expect.getState().currentTestName!)),
    expect,
  };
  const elsewhere = () => Promise.reject(new Error('it is in the page'));
  for (const kind of transports) describeTransport(kind, elsewhere, inPage);
  for (const kind of channels) describeChannel(kind, elsewhere, inPage);
  it('the suite in the page can fail', async () => {
    await expect(run(point!.url, 'no such test')).rejects.toThrow('no test is called');
  });
}
