// The words of a watch: WatchRequests read, WatchResponses written, one line each.
import type { Change, ChangeEvent, KeyRange } from '@raftkv/kv';
import { encodeKey } from './base64.ts';
import {
  asMessage,
  booleanField,
  countField,
  enumValue,
  fieldName,
  keyField,
  listField,
  messageField,
} from './fields.ts';
import { formatKeyValue, objectOf } from './format.ts';
import type { JsonValue } from './json.ts';
import { keyRange, names } from './range.ts';

const watchNames = {
  create: fieldName('create_request'),
  cancel: fieldName('cancel_request'),
  progress: fieldName('progress_request'),
  startRevision: fieldName('start_revision'),
  progressNotify: fieldName('progress_notify'),
  filters: fieldName('filters'),
  previous: fieldName('prev_kv'),
  watchId: fieldName('watch_id'),
} as const;

const filterType = { goName: 'etcdserverpb.WatchCreateRequest_FilterType', names: ['NOPUT', 'NODELETE'] };
const noPut = 0;
const noDelete = 1;

export interface WatchCreate {
  readonly type: 'create';
  readonly range: KeyRange;
  /** Nothing can lie in the range. */
  readonly isEmptyRange: boolean;
  /** 0 = from the next revision on. */
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly withoutPuts: boolean;
  readonly withoutDeletes: boolean;
  readonly previous: boolean;
  /** 0 = choose one. */
  readonly watchId: number;
}
export type WatchRequest =
  | WatchCreate
  | { readonly type: 'cancel'; readonly watchId: number }
  | { readonly type: 'progress' };

/** Undefined: nothing was asked. Throws a refusal on a malformed message. */
export function readWatchRequest(value: JsonValue): WatchRequest | undefined {
  const message = asMessage(value) ?? {};
  const create = messageField(message, watchNames.create);
  if (create !== undefined) {
    const givenKey = keyField(create, names.key);
    const rangeEnd = keyField(create, names.rangeEnd);
    // As in etcd, a watch without a key is one of the lowest key.
    const key = givenKey === '' ? '\0' : givenKey;
    const filters = listField(create, watchNames.filters).map((filter) => enumValue(filter, filterType));
    return {
      type: 'create',
      range: keyRange(key, rangeEnd) ?? { from: key, to: `${key}\0` },
      isEmptyRange: rangeEnd !== '' && rangeEnd !== '\0' && rangeEnd <= key,
      startRevision: countField(create, watchNames.startRevision),
      progressNotify: booleanField(create, watchNames.progressNotify),
      withoutPuts: filters.includes(noPut),
      withoutDeletes: filters.includes(noDelete),
      previous: booleanField(create, watchNames.previous),
      watchId: countField(create, watchNames.watchId),
    };
  }
  const cancel = messageField(message, watchNames.cancel);
  if (cancel !== undefined) return { type: 'cancel', watchId: countField(cancel, watchNames.watchId) };
  return messageField(message, watchNames.progress) === undefined ? undefined : { type: 'progress' };
}

/** A whole line. Watch id 0 is left out, as every zero. */
export function watchLine(header: string, watchId: number, ...pieces: readonly string[]): string {
  const id = watchId === 0 ? '' : `"watch_id":"${watchId}"`;
  return `{"result":${objectOf(header, id, ...pieces)}}\n`;
}

/** The events of these changes that the watch asked for, in order. */
export function formatEvents(changes: readonly Change[], wanted: WatchCreate): string[] {
  const texts: string[] = [];
  for (const change of changes) {
    for (const event of change.events) {
      if (event.type === 'put' ? wanted.withoutPuts : wanted.withoutDeletes) continue;
      texts.push(formatEvent(event, wanted.previous));
    }
  }
  return texts;
}

function formatEvent(event: ChangeEvent, withPrevious: boolean): string {
  const previous = withPrevious && event.previous !== undefined ? `"prev_kv":${formatKeyValue(event.previous)}` : '';
  if (event.type === 'put') return objectOf(`"kv":${formatKeyValue(event.entry)}`, previous);
  const kv = `"kv":{"key":"${encodeKey(event.key)}","mod_revision":"${event.revision}"}`;
  return objectOf('"type":"DELETE"', kv, previous);
}
