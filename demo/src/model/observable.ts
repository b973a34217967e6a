// A value that components follow, with the shape that `useLive` of the hooks takes: what this page knows besides the store.
import type { Live } from 'raftkv';

export class Observable<T> implements Live<T> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    const listener = (): void => onChange();
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
  readonly getSnapshot = (): T => this.#value;
  readonly getServerSnapshot = (): T => this.#value;

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}
