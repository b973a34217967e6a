// What an app may give to calls in place of a plain object: an instance of a class that answers with accessors. Whoever copies it property by property gets none of
// them, and whoever reads all that there is comes upon what nobody asks for.

export interface Classy<T> {
  readonly given: T;
  /** From now on its accessors throw. */
  forget(): void;
}

export function classy<const T extends object>(values: T): Classy<T> {
  let isForgotten = false;
  class Given {
    /** Whoever follows it comes to no end. */
    readonly owner = this;
    get unasked(): never {
      throw new Error('nobody asks for this');
    }
  }
  for (const name of Object.keys(values) as (keyof T)[]) {
    const get = (): T[keyof T] => {
      if (isForgotten) throw new Error(`${String(name)} is read after the call was made`);
      return values[name];
    };
    Object.defineProperty(Given.prototype, name, { get });
  }
  return { given: new Given() as unknown as T, forget: () => void (isForgotten = true) };
}
