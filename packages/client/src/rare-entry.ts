// What users see of changes, and of scans for keys only: what a page may never need of entries.
import type { ChangeEvent, KeyValue } from '@raftkv/kv';
import type { Entry, UserKey, View, WatchEvent } from './entry.ts';
import { toEntry, toOptionalEntry } from './entry.ts';

/** Of a scan for keys only: there is no value to decode. */
export function toKeyEntry<Value, K extends UserKey>(view: View<Value, K>, found: KeyValue): Entry<Value, K> {
  const { revision, createRevision, version } = found;
  return { key: view.key(found.key), value: undefined as Value, revision, createRevision, version };
}

export function toEvent<Value, K extends UserKey>(view: View<Value, K>, event: ChangeEvent): WatchEvent<Value, K> {
  const previous = toOptionalEntry(view, event.previous);
  if (event.type === 'delete') return { type: 'delete', key: view.key(event.key), revision: event.revision, previous };
  const entry = toEntry(view, event.entry);
  return { type: 'put', key: entry.key, entry, previous };
}
