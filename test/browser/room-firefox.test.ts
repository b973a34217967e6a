// A room of two tabs in Chromium and one in a real Firefox, over WebRTC: two implementations of all that a room stands on. The Firefox is killed, reloaded and cut
// off, and the room goes on. Random faults with it: `npm run chaos:web -- --firefox`. Run where Firefox is present, and always in CI, which installs it.
import { expect, it } from 'vitest';
import { Arena } from '../chaos-web/arena.ts';
import { tabClient } from '../chaos-web/tab-client.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { findFirefox } from './harness/firefox.ts';

const isWanted = findFirefox() !== undefined || process.env['CI'] !== undefined;

async function goOn(arena: Arena): Promise<void> {
  const firefox = arena.seats.find(({ kind }) => kind === 'Firefox')!;
  const others = arena.seats.filter((seat) => seat !== firefox);
  let written = 0;
  /** A put that is answered, by whoever of these is asked until then. */
  const write = async (): Promise<void> => {
    written += 1;
    const value = String(written);
    const isAnswered = async (): Promise<boolean> =>
      tabClient(others[written % 2]!)
        .put('n', value)
        .then(
          () => true,
          () => false,
        );
    await waitFor('a put is answered', isAnswered, { timeoutMilliseconds: 90_000, intervalMilliseconds: 100 });
  };
  const isTold = async (): Promise<void> => {
    await arena.settle();
    expect((await tabClient(firefox).get('n'))?.value).toBe(String(written));
  };
  await write();
  await isTold();
  await firefox.kill();
  await write();
  await isTold();
  await firefox.reload();
  await write();
  await isTold();
  await firefox.tab.evaluate(() => chaosLab.sever(true, true), undefined);
  await write();
  await firefox.tab.evaluate(() => chaosLab.sever(false, false), undefined);
  await isTold();
  await tabClient(firefox).put('n', 'from Firefox');
  for (const seat of others) expect((await tabClient(seat).get('n'))?.value).toBe('from Firefox');
}

it('a Firefox in a room is killed, reloaded and cut off, and the room goes on', { timeout: 600_000 }, async () => {
  if (!isWanted) return expect(findFirefox()).toBe(undefined);
  const arena = await Arena.open({ on: 'room', seats: 3, firefox: true });
  try {
    await goOn(arena);
  } finally {
    await arena.close();
  }
});
