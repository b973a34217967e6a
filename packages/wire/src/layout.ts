// How values are laid out as MessagePack elements, said once: each layout both writes and reads. Messages, commands and answers are put together
// of these as tables of fields; what comes by the ten thousand a second is written out by hand as a layout of its own.
import type { Limits } from './limits.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** What is known while one frame or one command is walked through. */
export interface Walk {
  /** Of the format that is read; layouts that changed since look at it. */
  readonly version: number;
  readonly limits: Limits;
  /** Operations that are still allowed. */
  ops: number;
  /** Transactions around this place. */
  depth: number;
}

export interface Layout<T> {
  /** Elements that it takes of the array around it. */
  readonly size: number;
  write(writer: Writer, value: T, walk: Walk): void;
  /** Whoever puts fields of several tables together passes an object to put them into. */
  read(reader: Reader, walk: Walk, into?: object): T;
}

/** A tag and what follows it. */
export type Variant<T> = readonly [tag: number, layout: Layout<Omit<T, 'type'>>];

export const uint = native('uint');
export const text = native('text');
export const bin = native('bin');
export const bool = native('bool');
export const key = native('key');
/** At least 1. */
export const positive: Layout<number> = { ...uint, read: (reader) => reader.positive() };

function native<N extends 'uint' | 'text' | 'bin' | 'bool' | 'key'>(name: N): Layout<ReturnType<Reader[N]>> {
  return {
    size: 1,
    write: (writer, value) => writer[name](value as never),
    read: (reader) => reader[name]() as ReturnType<Reader[N]>,
  };
}

/** The number of a word in this list. */
export function oneOf<T>(words: readonly T[]): Layout<T> {
  return {
    size: 1,
    write: (writer, word) => writer.uint(words.indexOf(word)),
    read: (reader) => words[reader.small(words.length - 1)]!,
  };
}

/** One number for several booleans, from the lowest bit on. */
export function flags<Name extends string>(...names: readonly (Name | undefined)[]): Layout<{ [N in Name]?: boolean }> {
  return {
    size: 1,
    write(writer, value) {
      let bits = 0;
      for (const [i, name] of names.entries()) if (name !== undefined && value[name] === true) bits |= 1 << i;
      writer.uint(bits);
    },
    read(reader, _walk, into = {}) {
      const bits = reader.small((1 << names.length) - 1);
      const value: { [N in Name]?: boolean } = into;
      for (const [i, name] of names.entries()) {
        const isSet = (bits & (1 << i)) !== 0;
        if (name !== undefined) value[name] = isSet;
        else if (isSet) reader.fail('there is no such flag');
      }
      return value;
    },
  };
}

/** Nil, or what this lays out in one element. */
export function optional<T>(layout: Layout<T>): Layout<T | undefined> {
  return {
    size: 1,
    write: (writer, value, walk) => (value === undefined ? writer.nil() : layout.write(writer, value, walk)),
    read: (reader, walk) => (reader.nil() ? undefined : layout.read(reader, walk)),
  };
}

/** An array of its own around it. */
export function boxed<T>(layout: Layout<T>): Layout<T> {
  return {
    size: 1,
    write(writer, value, walk) {
      writer.array(layout.size);
      layout.write(writer, value, walk);
    },
    read(reader, walk) {
      reader.tuple(layout.size);
      return layout.read(reader, walk);
    },
  };
}

/** One array of all items, without an array around each. */
export function list<T>(item: Layout<T>): Layout<readonly T[]> {
  return {
    size: 1,
    write(writer, items, walk) {
      writer.array(items.length * item.size);
      for (const each of items) item.write(writer, each, walk);
    },
    read(reader, walk) {
      const count = reader.array();
      if (count % item.size !== 0) reader.fail(`${count} elements in a list whose items have ${item.size} each`);
      const items: T[] = [];
      for (let left = count; left > 0; left -= item.size) items.push(item.read(reader, walk));
      return items;
    },
  };
}

/** Fields one after the other, in the order of this table. */
export function fields<T>(table: { readonly [Name in keyof T]-?: Layout<T[Name]> }): Layout<T> {
  const names = Object.keys(table) as (keyof T)[];
  return {
    size: names.reduce((sum, name) => sum + table[name].size, 0),
    write(writer, value, walk) {
      for (const name of names) table[name].write(writer, value[name], walk);
    },
    read(reader, walk, into = {}) {
      const value = into as T;
      for (const name of names) value[name] = table[name].read(reader, walk);
      return value;
    },
  };
}

/** Parts of one value, each with fields of its own. */
export function joined<A, B>(first: Layout<A>, second: Layout<B>): Layout<A & B> {
  return {
    size: first.size + second.size,
    write(writer, value, walk) {
      first.write(writer, value, walk);
      second.write(writer, value, walk);
    },
    read(reader, walk, into = {}) {
      first.read(reader, walk, into);
      second.read(reader, walk, into);
      return into as A & B;
    },
  };
}

/** An array that begins with a tag, which says what follows. */
export function tagged<T extends { readonly type: string }>(
  what: string,
  variants: { readonly [Type in T['type']]: Variant<Extract<T, { readonly type: Type }>> },
): Layout<T> {
  const byType = variants as unknown as Readonly<Record<string, Variant<T>>>;
  const byTag: { readonly type: string; readonly layout: Variant<T>[1] }[] = [];
  for (const type in byType) byTag[byType[type]![0]] = { type, layout: byType[type]![1] };
  return {
    size: 1,
    write(writer, value, walk) {
      const variant = byType[value.type]!;
      const layout = variant[1];
      writer.head(layout.size + 1, variant[0]);
      layout.write(writer, value, walk);
    },
    read(reader, walk) {
      const count = reader.array();
      const tag = reader.uint();
      const known = byTag[tag];
      if (known === undefined) return reader.fail(`there is no ${what} ${tag} here`);
      const { type, layout } = known;
      if (count !== layout.size + 1) reader.fail(`${what} ${tag} has ${count} elements instead of ${layout.size + 1}`);
      return layout.read(reader, walk, { type }) as unknown as T;
    },
  };
}
