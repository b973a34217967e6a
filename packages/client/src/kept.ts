// Copies operations and conditions that are read after the turn in which a call was made, since they are the caller's. Called by `rare-later.ts`.
import type { Codec } from './codec.ts';
import { encodeValue } from './coding.ts';

/** Values are encoded: those of what is put, and of what stands in the list `if`. Of other operations they are no part. */
export function kept<Given>(given: Given, codec: Codec<never>, place?: string): Given;
export function kept(given: unknown, codec: Codec<never>, place?: string): unknown {
  if (given instanceof Uint8Array) return new Uint8Array(given);
  if (Array.isArray(given)) return given.map((each) => kept(each, codec, place));
  if (typeof given !== 'object' || given === null) return given;
  const isValued = place === 'if' || (given as { readonly type?: unknown }).type === 'put';
  const entries = Object.entries(given).map(([name, each]) => [
    name,
    name !== 'value' ? kept(each, codec, name) : isValued && kept(encodeValue(codec, each as never), codec),
  ]);
  return Object.fromEntries(entries);
}
