// What the tabs of a room told of themselves, the newest of each, and when: what the view is made of. Tabs go by their words.
import type { Flight } from './room-source.ts';
import { nameOf } from './tab-names.ts';
import type { Tell } from './tell.ts';

export class Told {
  readonly newest = new Map<string, { readonly tell: Tell; readonly at: number }>();

  take(tell: Tell): void {
    this.newest.set(tell.from, { tell, at: performance.now() });
  }

  /** It left, or is no member any more. */
  forget(word: string): void {
    this.newest.delete(word);
  }

  /** Milliseconds since it told something; Infinity: it never did. */
  silence(word: string): number {
    return performance.now() - (this.newest.get(word)?.at ?? -Infinity);
  }
}

/** Messages between others, as one of them told: those to this tab it has seen itself. */
export function flightsOf({ from, sent }: Tell, self: string | undefined): Flight[] {
  return sent
    .filter(({ to }) => to !== self)
    .map(({ to, kind, count, lost }) => ({ from: nameOf(from), to: nameOf(to), kind, count, isLost: lost > 0 }));
}
