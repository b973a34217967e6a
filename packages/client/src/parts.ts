// The door for whoever builds a Kv of another kind on the client's parts, as the observer does. Apps do not need it.
export { Client } from './client.ts';
export { dialEndpoint } from './dial.ts';
export { settle } from './options.ts';
export { decodeValue, encodeValue } from './coding.ts';
export { toEntry, viewOf } from './entry.ts';
export { batchCommand, batchOpResult } from './commands.ts';
export { json } from './codec.ts';
export { checkedKey, checkedLevel, checkedNumber, checkedRange } from './checks.ts';

export type { Answer } from './call.ts';
export type { Feed, FeedHandlers, FeedMessage } from './feed.ts';
export type { Settings } from './options.ts';
export type { View } from './entry.ts';
