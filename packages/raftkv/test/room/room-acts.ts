// What suites of rooms do with pages and look for: tabs opened, waited for, and their voters. The pages and what is between them are in `room-stage.ts`.
import { expect, vi } from 'vitest';
import { Profile } from './room-stage.ts';
import type { Page, Stage } from './room-stage.ts';

export const within = { timeout: 60_000, interval: 20 };
export const quorum = (page: Page) => page.room.status.getSnapshot().quorum;
export const voters = (page: Page): string[] =>
  page.room.status
    .getSnapshot()
    .tabs.filter(({ role }) => role === 'voter')
    .map(({ word }) => word)
    .toSorted();
export const wordsOf = (pages: readonly Page[]): string[] => pages.map(({ room }) => room.word).toSorted();

/** All of them, and nobody else, vote, for certain, and one leads. */
export async function settled(pages: readonly Page[], voting: readonly Page[] = pages): Promise<void> {
  await vi.waitFor(() => {
    for (const page of pages) {
      expect(voters(page)).toEqual(wordsOf(voting));
      // While who votes is being changed, the majority of before is needed too, and whoever is killed may be of that.
      expect(quorum(page)).toMatchObject({ state: 'works', isChanging: false });
    }
  }, within);
}

/** So many tabs of as many profiles, in one room. */
export async function openPages(stage: Stage, count: number): Promise<Page[]> {
  const pages = [await stage.create(new Profile('p1'))];
  for (let at = 2; at <= count; at += 1) pages.push(await stage.enter(new Profile(`p${at}`)));
  return pages;
}

/** Comes to pass when it is told to. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
