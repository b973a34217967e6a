// The layouts of a watch: how it is asked for, and what it is told of changes. A page may never need them: `rare.ts` says how they come to those that do.
import type { ChangeEvent } from '@raftkv/kv';
import type { WatchEvents, WatchRequest } from './client.ts';
import { range } from './fields.ts';
import { boxed, fields, flags, joined, key, list, tagged, uint } from './layout.ts';
import type { Variant } from './layout.ts';
import { entry, optionalEntry } from './plain-result.ts';

export const watch = [
  5,
  joined(fields({ id: uint, range, from: uint }), flags('previous', 'progress')),
] as Variant<WatchRequest>;

const event = tagged<ChangeEvent>('event', {
  put: [1, fields({ entry: boxed(entry), previous: optionalEntry })],
  delete: [2, fields({ key, revision: uint, previous: optionalEntry })],
});
const change = fields<WatchEvents['changes'][number]>({ revision: uint, events: list(event) });

export const watchChanges: Variant<WatchEvents> = [6, fields({ id: uint, changes: list(boxed(change)) })];
