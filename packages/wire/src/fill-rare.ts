// Puts rare layouts into the places that `rare-later.ts` has for them in the tables. It is loaded with the layouts, when one of them is needed.
import type { Layout, Variant } from './layout.ts';
import { scan, scanResult, statusAnswer, txn, txnResult, watch, watchChanges } from './rare-layouts.ts';

const layouts = [scan, scanResult, statusAnswer, txn, txnResult, watch, watchChanges];

/** `places`: in the order in which they are listed here. */
export function fillRare(places: readonly Variant<never>[]): void {
  for (const [i, [, place]] of places.entries()) Object.assign(place, layouts[i]![1] as Layout<never>);
}
