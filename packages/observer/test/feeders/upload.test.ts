// What a tab gives away of its way out is bounded, whoever asks for it.
import { expect, it } from 'vitest';
import { Upload } from '../../src/feeders/upload.ts';

it('lets out no more than its rate, after a burst of half a second', () => {
  let now = 0;
  const upload = new Upload({ now: () => now }, 100_000);
  let sent = 0;
  while (now < 10_000) {
    const delay = upload.delay();
    now += delay;
    if (delay > 0) continue;
    upload.spend(7_000);
    sent += 7_000;
  }
  expect(sent).toBeGreaterThan(1_000_000);
  expect(sent).toBeLessThan(1_000_000 + 50_000 + 2 * 7_000);
  expect(upload.bytes).toBe(sent);
  now += 3_600_000;
  let burst = 0;
  while (upload.delay() === 0) {
    upload.spend(1_000);
    burst += 1_000;
  }
  expect(burst).toBe(50_000);
});
