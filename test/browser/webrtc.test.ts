// Members in tabs, connected over real WebRTC in Chromium: found through a BroadcastChannel, by codes that a person carries, or through Node; with tabs
// that are closed, killed, reloaded and removed.
import { expect, it } from 'vitest';
import { openMesh } from '@raftkv/transport';
import type { Mesh } from '@raftkv/transport';
import { nodeWebRtc } from '@raftkv/transport/node-webrtc';
import { openWebRtc } from '@raftkv/transport/webrtc';
import { webRtcFlags } from './harness/chromium.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['webrtc'], { flags: webRtcFlags });

/** In one profile, one after the other: the first one makes it. */
async function openMembers(ids: readonly string[]): Promise<Tab[]> {
  await stage.profile();
  return Promise.all(ids.map((id) => openMember(id, ids)));
}

async function openMember(id: string, ids: readonly string[]): Promise<Tab> {
  const tab = await stage.openTab('webrtc');
  await open(tab, id, ids);
  return tab;
}

async function open(tab: Tab, id: string, ids: readonly string[]): Promise<void> {
  const peerIds = ids.filter((other) => other !== id);
  await tab.page.evaluate(([self, peers]) => webRtcLab.open(self, peers, 'tabs'), [id, peerIds] as const);
}

async function connected(tab: Tab): Promise<string[]> {
  const status = await tab.page.evaluate(() => webRtcLab.status());
  return status.filter((peer) => peer.isConnected && peer.path === 'direct').map(({ id }) => id);
}

const received = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => webRtcLab.received());
const send = (tab: Tab, to: string, snapshotBytes = 0): Promise<void> =>
  tab.page.evaluate(([id, bytes]) => webRtcLab.send(id, bytes), [to, snapshotBytes] as const);

it('connects three tabs, each with each; a heartbeat overtakes a snapshot', async () => {
  const ids = ['a', 'b', 'c'];
  const tabs = await openMembers(ids);
  for (const [index, tab] of tabs.entries()) {
    await expect.poll(() => connected(tab)).toEqual(ids.filter((_, other) => other !== index));
  }
  await send(tabs[0]!, 'b', 3 << 20);
  await send(tabs[2]!, 'b');
  await expect.poll(async () => (await received(tabs[1]!)).length).toBe(3);
  const fromA = (await received(tabs[1]!)).filter((each) => each.endsWith('a'));
  expect(fromA).toEqual(['heartbeatRequest from a', 'installSnapshotRequest from a']);
});

it('goes on when a tab is reloaded, closed or killed, and comes back to it', { timeout: 300_000 }, async () => {
  const ids = ['a', 'b'];
  const [a, b] = await openMembers(ids);
  await expect.poll(() => connected(a!)).toEqual(['b']);

  await b!.page.reload({ waitUntil: 'load' });
  await open(b!, 'b', ids);
  await expect.poll(() => connected(b!)).toEqual(['a']);
  await expect.poll(() => connected(a!)).toEqual(['b']);

  await b!.close();
  await expect.poll(() => connected(a!)).toEqual([]);
  const again = await openMember('b', ids);
  await expect.poll(() => connected(a!)).toEqual(['b']);

  await again.kill();
  // Nobody says so: it is found out by silence.
  await expect.poll(() => connected(a!), { timeout: 90_000 }).toEqual([]);
  const third = await openMember('b', ids);
  await expect.poll(() => connected(third)).toEqual(['a']);
  await send(a!, 'b');
  await expect.poll(() => received(third)).toEqual(['heartbeatRequest from a']);
});

it('says nothing more to a tab that was removed', async () => {
  const ids = ['a', 'b'];
  const [a, b] = await openMembers(ids);
  await expect.poll(() => connected(a!)).toEqual(['b']);
  await b!.page.evaluate(() => webRtcLab.removePeer('a'));
  await a!.page.evaluate(() => webRtcLab.removePeer('b'));
  await expect.poll(() => a!.page.evaluate(() => webRtcLab.sessions())).toBe(0);
  await expect.poll(() => b!.page.evaluate(() => webRtcLab.sessions())).toBe(0);
});

it('connects two profiles that share no server, by one code each way', async () => {
  const here = await stage.openTab('webrtc');
  const browser = (await stage.profile()).context.browser()!;
  const elsewhere = await Profile.open(browser);
  try {
    const there = await elsewhere.openTab(stage.url('webrtc'));
    const code = await here.page.evaluate(() => webRtcLab.invite());
    const answer = await there.page.evaluate((text) => webRtcLab.answer(text), code);
    await Promise.all([
      here.page.evaluate((text) => webRtcLab.accept(text, 1), answer),
      there.page.evaluate(() => webRtcLab.greet(2)),
    ]);
    await expect.poll(() => here.page.evaluate(() => webRtcLab.heardBytes())).toEqual([2]);
    await expect.poll(() => there.page.evaluate(() => webRtcLab.heardBytes())).toEqual([1]);
  } finally {
    await elsewhere.close();
  }
});

it('connects a tab and a member in Node', async () => {
  const tab = await stage.openTab('webrtc');
  const listeners = new Set<(signal: unknown) => void>();
  await tab.page.exposeFunction('carrySignal', (signal: unknown) => {
    for (const listener of listeners) listener(signal);
  });
  const messages: string[] = [];
  let mesh: Mesh | undefined = undefined;
  const webRtc = openWebRtc({
    RTCPeerConnection: await nodeWebRtc(),
    selfId: 'node',
    signalling: {
      send: (signal) => void tab.page.evaluate((each) => webRtcLab.hear(each), signal),
      listen: (onSignal) => {
        listeners.add(onSignal);
        return () => listeners.delete(onSignal);
      },
    },
    onChannel: (channel) => mesh?.accept(channel),
  });
  mesh = openMesh({
    self: { memberId: 'node', memberName: 'node', clusterId: 'cluster', storeId: 'store-node' },
    peers: [{ id: 'tab', name: 'tab', address: 'tab', dials: true }],
    dial: (id, signal) => webRtc.dial(id, { signal }),
    admit: async () => undefined,
  });
  try {
    mesh.start({ onMessage: ({ type }) => messages.push(type), onUnreachable: () => undefined });
    await tab.page.evaluate(() => webRtcLab.open('tab', ['node'], 'test'));
    await expect.poll(() => connected(tab)).toEqual(['node']);
    await expect.poll(() => mesh!.status()[0]?.path).toBe('direct');
    await send(tab, 'node', 1 << 20);
    await expect.poll(() => messages.toSorted()).toEqual(['heartbeatRequest', 'installSnapshotRequest']);
    mesh.send([{ type: 'heartbeatRequest', from: 'node', to: 'tab', term: 1, commitIndex: 0, readToken: 1 }]);
    await expect.poll(() => received(tab)).toEqual(['heartbeatRequest from node']);
  } finally {
    await mesh.close();
    webRtc.close();
  }
});
