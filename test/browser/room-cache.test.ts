// A page of a room that is left for another page, and gone back to: the browser brings it out of its cache as it was, and it is in the room again.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webRtcFlags } from './harness/chromium.ts';
import { openRelay } from './harness/relay.ts';
import { RoomTab, settled, untilAll } from './harness/room-tabs.ts';
import { setStage } from './harness/stage.ts';
import { Profile } from './harness/tabs.ts';
import type { LabRoomOptions } from './pages/room.ts';

const stage = setStage(['room', 'storage'], { flags: webRtcFlags });
let relay: Awaited<ReturnType<typeof openRelay>>;
beforeAll(async () => {
  relay = await openRelay();
});
afterAll(() => relay.close());

/** Away, and back as it was. */
async function leaveAndGoBack({ tab: { page } }: RoomTab, meanwhile: () => Promise<void>): Promise<void> {
  await page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { persisted }));
  });
  await page.goto(stage.url('storage'));
  await meanwhile();
  // Not `goBack`, which waits for a page to load: this one does not.
  const shown = page.waitForURL(stage.url('room'), { waitUntil: 'commit' }).catch(() => undefined);
  await page.evaluate(() => history.back()).catch(() => undefined);
  await shown;
  const kept = () =>
    page.evaluate(() => {
      const { persisted } = globalThis as unknown as { persisted?: boolean };
      const [entry] = performance.getEntriesByType('navigation') as unknown as { notRestoredReasons: unknown }[];
      return { persisted, why: JSON.stringify(entry?.notRestoredReasons) };
    });
  // The page is shown before it hears that it is.
  await expect.poll(kept).toMatchObject({ persisted: true });
}

it.each([
  ['over a relay, of three browsers', false],
  ['of one browser', true],
])(
  'a tab that was left and gone back to is in the room again: %s',
  async (_which, isOneBrowser) => {
    const options: LabRoomOptions = {
      signalling: isOneBrowser ? 'tabs' : relay.url,
      policy: { stableMilliseconds: 500, steadyMilliseconds: 2_000, goneMilliseconds: 30_000 },
    };
    const browser = (await stage.profile()).context.browser()!;
    const profiles = isOneBrowser
      ? [await Profile.open(browser)]
      : await Promise.all([1, 2, 3].map(() => Profile.open(browser)));
    try {
      const url = stage.url('room');
      const { tab: one, link } = await RoomTab.create(profiles[0]!, url, options);
      const [two, three] = [
        await RoomTab.join(profiles[1] ?? profiles[0]!, url, link, options),
        await RoomTab.join(profiles[2] ?? profiles[0]!, url, link, options),
      ];
      await settled([one, two, three]);
      for (const [at, tab] of [one, two, three].entries()) {
        const others = [one, two, three].filter((each) => each !== tab);
        await tab.put('x', `before ${at}`);
        await leaveAndGoBack(tab, async () => {
          await untilAll(
            others,
            ({ quorum, tabs }) => quorum.state === 'works' && tabs.filter(({ isHere }) => isHere).length === 2,
          );
          await others[0]!.put('x', `meanwhile ${at}`);
        });
        await settled([one, two, three]);
        expect(await tab.get('x')).toBe(`meanwhile ${at}`);
        await tab.put('y', at);
        expect(await others[1]!.get('y')).toBe(at);
      }
    } finally {
      await Promise.all(profiles.map((profile) => profile.close()));
    }
  },
  300_000,
);
