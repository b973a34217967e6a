// What a write does that an earlier life of the page has left, in words: all that is known of it are its keys and what the board shows under them.
// The page's composition root asks, before it lists such a write.
import type { LiveKv, Write } from 'raftkv';
import { isCard } from './card-model.ts';

/** @example `Change “Buy milk”, made earlier` */
export function describeFound({ live }: Pick<LiveKv, 'live'>, { keys }: Write<unknown>): string {
  const titles = keys.flatMap((key) => {
    const value = live.get(key as string).getSnapshot().data?.value;
    return isCard(value) ? [`“${value.title}”`] : [];
  });
  const what = titles.length > 0 && titles.length === keys.length ? titles.join(', ') : 'the board';
  return `Change ${what}, made earlier`;
}
