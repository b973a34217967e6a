// The stopwatch of the suites: it counts what is waited for, and not that nothing ran.
import { expect, it } from 'vitest';
import { startStopwatch } from './stopwatch.ts';

it('counts what is waited for', async () => {
  const took = startStopwatch();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(took()).toBeGreaterThan(10);
});

it('counts little of the time in which nothing ran', () => {
  const took = startStopwatch();
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(took()).toBeLessThan(30);
});
