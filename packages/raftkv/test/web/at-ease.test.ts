// A tab feeds others only while somebody looks at it and its way out is neither narrow nor paid for by the byte; where nothing is known, it does.
import { afterEach, expect, it, vi } from 'vitest';
import { isAtEase } from '../../src/web/at-ease.ts';

afterEach(() => vi.unstubAllGlobals());

it('is so in a page that is seen, and where there is no page at all', () => {
  expect(isAtEase()).toBe(true);
  vi.stubGlobal('document', { visibilityState: 'visible' });
  expect(isAtEase()).toBe(true);
  vi.stubGlobal('navigator', { connection: { saveData: false, type: 'wifi', effectiveType: '4g' } });
  expect(isAtEase()).toBe(true);
});

it('is not so in a page that is hidden', () => {
  vi.stubGlobal('document', { visibilityState: 'hidden' });
  expect(isAtEase()).toBe(false);
});

it.each([{ saveData: true }, { type: 'cellular' }, { effectiveType: '2g' }, { effectiveType: '3g' }])(
  'is not so on a connection of %j',
  (connection) => {
    vi.stubGlobal('document', { visibilityState: 'visible' });
    vi.stubGlobal('navigator', { connection });
    expect(isAtEase()).toBe(false);
  },
);
