// Who is there, as one tab sees it: a tab that is seen says so each second, one that is hidden perhaps once a minute, and who says nothing for longer does not run.
import { expect, it } from 'vitest';
import { RoomScene } from '../../src/room/room-scene.ts';
import { report } from './some-report.ts';

it.each([
  { isVisible: true, there: 4_999, gone: 5_000 },
  { isVisible: false, there: 74_999, gone: 75_000 },
])('misses a tab that says nothing, visible: $isVisible', ({ isVisible, there, gone }) => {
  const seen = (silentMilliseconds: number): number => {
    const peer = { word: 'ada', report: { ...report, isVisible }, silentMilliseconds, path: 'direct' } as const;
    return new RoomScene({ all: [peer] }).companions(undefined).length;
  };
  expect([seen(there), seen(gone)]).toEqual([1, 0]);
});
