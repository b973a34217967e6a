// How values become bytes and come back. JSON is the default; a codec of one's own is an object with two functions.
import { RaftkvError } from '@raftkv/wire';

export interface Codec<Value> {
  /** Throws for what it cannot encode. */
  encode(value: Value): Uint8Array;
  /** `bytes` may be a view over a larger buffer that is not to be kept. */
  decode(bytes: Uint8Array): Value;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Any JSON value, as JSON.stringify writes it. `undefined`, functions and symbols are refused. */
export const json: Codec<unknown> = {
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new RaftkvError('invalid_argument', `${typeof value} is no JSON value`);
    return encoder.encode(text);
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
};

/** Strings, as UTF-8. */
export const text: Codec<string> = {
  encode: (value) => encoder.encode(value),
  decode: (bytes) => decoder.decode(bytes),
};

/** Bytes as they are; what comes back is a copy of one's own. */
export const bytes: Codec<Uint8Array> = {
  encode: (value) => value,
  decode: (value) => value.slice(),
};
