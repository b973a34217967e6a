// By which word a browser profile is known: the same for all that ask in one page, also where a page may keep nothing.
import { afterEach, expect, it, vi } from 'vitest';
import { profileDomain } from '../../src/web/room-domain.ts';

afterEach(() => void vi.unstubAllGlobals());

const word = /^[A-Za-z0-9_-]{12}$/;

it('is drawn once and kept', () => {
  const kept = new Map<string, string>();
  const localStorage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
  vi.stubGlobal('localStorage', localStorage);
  const domain = profileDomain();
  expect(domain).toMatch(word);
  expect([...kept.values()]).toEqual([domain]);
  expect(profileDomain()).toBe(domain);
});

it('is one for the whole page where nothing may be kept', () => {
  const refuse = (): never => {
    throw new DOMException('the user has forbidden it', 'SecurityError');
  };
  vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse });
  const domain = profileDomain();
  expect(domain).toMatch(word);
  expect(profileDomain()).toBe(domain);
});
