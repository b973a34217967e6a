// What the tabs of a room told of themselves, the newest of each, and when: what the view is made of, and who may be asked for anything.
import type { Flight } from './room-source.ts';
import type { Tell } from './tell.ts';

export class Told {
  readonly newest = new Map<string, { readonly tell: Tell; readonly at: number }>();
  /** Members of whom nothing was heard yet: since when they are known. */
  readonly #firstKnown = new Map<string, number>();

  take(tell: Tell): void {
    this.newest.set(tell.from, { tell, at: performance.now() });
  }

  /** It left, or is no member any more. */
  forget(name: string): void {
    this.newest.delete(name);
    this.#firstKnown.delete(name);
  }

  has(name: string): boolean {
    return this.newest.has(name);
  }

  get names(): readonly string[] {
    return [...this.newest.keys()];
  }

  /** Milliseconds since it told something, or since it was asked about first. */
  silence(name: string): number {
    const now = performance.now();
    const known = this.newest.get(name)?.at ?? this.#firstKnown.get(name);
    if (known === undefined) this.#firstKnown.set(name, now);
    return now - (known ?? now);
  }
}

/** Messages between others, as one of them told: those to this tab it has seen itself. */
export function flightsOf({ from, sent }: Tell, self: string | undefined): Flight[] {
  return sent
    .filter(({ to }) => to !== self)
    .map(({ to, kind, count, lost }) => ({ from, to, kind, count, isLost: lost > 0 }));
}
