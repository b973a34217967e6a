// The change feed's values: what one revision did, as watches, observers and live queries receive it.
import type { Key, KeyValue } from './command.ts';

export interface PutEvent {
  readonly type: 'put';
  readonly entry: KeyValue;
  /** What was there before, if that is still within the retained window. */
  readonly previous: KeyValue | undefined;
}
export interface DeleteEvent {
  readonly type: 'delete';
  readonly key: Key;
  readonly revision: number;
  readonly previous: KeyValue | undefined;
}
export type ChangeEvent = PutEvent | DeleteEvent;

/** Everything that one revision changed; never split, never merged with another revision. */
export interface Change {
  readonly revision: number;
  readonly events: readonly ChangeEvent[];
}
