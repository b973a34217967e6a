// What rooms do in tabs in which nothing is kept: as private windows of Firefox are, without a file system of their own, and where IndexedDB fails.
import { expect, it } from 'vitest';
import { RoomTab, settled, untilAll } from './harness/room-tabs.ts';
import { setStage } from './harness/stage.ts';
import type { LabRoomOptions } from './pages/room.ts';

const stage = setStage(['room']);
const options: LabRoomOptions = { signalling: 'tabs', policy: { stableMilliseconds: 500, steadyMilliseconds: 2_000 } };

/** Within the page, before any of its scripts. */
const asInPrivateWindow = (): void => {
  navigator.storage.getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'));
};
const withoutDatabases = (): void => {
  IDBFactory.prototype.open = () => {
    throw new DOMException('not here', 'InvalidStateError');
  };
};
const withPersistence = (): void => {
  navigator.storage.persist = () => Promise.resolve(true);
};

it('tabs that keep nothing take part as members that end with them, and say why', async () => {
  const profile = await stage.profile();
  const { tab, link } = await RoomTab.create(profile, stage.url('room'), options);
  const others = [
    await RoomTab.join(profile, stage.url('room'), link, options, asInPrivateWindow),
    await RoomTab.join(profile, stage.url('room'), link, options, withoutDatabases),
  ];
  await settled([tab, ...others]);
  const [kept, secret, broken] = await Promise.all([tab, ...others].map((each) => each.status()));
  expect(kept!.storage).toMatchObject({ kind: 'evictable', why: 'not granted' });
  expect(secret!.storage).toMatchObject({ kind: 'memory', why: 'private window' });
  expect(broken!.storage).toMatchObject({ kind: 'memory', why: 'storage fails' });
  expect(secret!.warnings).toContain(secret!.storage.words);
  expect(broken!.tabs.filter(({ isEphemeral }) => isEphemeral)).toHaveLength(2);
  await others[1]!.put('x', 1);
  expect(await tab.get('x')).toBe(1);
});

it('a tab whose browser promises to keep what it has says that', async () => {
  const profile = await stage.profile();
  const { tab, link } = await RoomTab.create(profile, stage.url('room'), options);
  const lasting = await RoomTab.join(profile, stage.url('room'), link, options, withPersistence);
  await settled([tab, lasting]);
  await untilAll([lasting], ({ storage }) => storage.kind === 'persistent', 60_000);
});
