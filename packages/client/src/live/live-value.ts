// The simplest Live: a value that its owner sets. States of writes and of the copy are told through it.
import type { Live } from '../live.ts';
import { tellAll } from './tell-all.ts';

export class LiveValue<T> implements Live<T> {
  readonly #listeners = new Set<() => void>();
  readonly #server: T;
  #value: T;

  /** `server` is what is rendered where there is no copy. */
  constructor(value: T, server: T = value) {
    this.#value = value;
    this.#server = server;
  }

  /** Arrow functions: bindings hand them on without their object. */
  readonly subscribe = (onChange: () => void): (() => void) => {
    // A listener of its own for each call, so that the same function may be given twice.
    const listener = (): void => onChange();
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): T => this.#value;

  readonly getServerSnapshot = (): T => this.#server;

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    tellAll(this.#listeners);
  }
}
