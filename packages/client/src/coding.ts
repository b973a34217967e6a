// Calls of a codec, which may be anybody's: what it throws, or makes that is no bytes, becomes an error of the client.
import { RaftkvError } from '@raftkv/wire';
import type { Codec } from './codec.ts';

export type Encoder<Value> = Pick<Codec<Value>, 'encode'>;

/** Encodes with `invalid_argument` for whatever a codec throws. */
export function encodeValue<Value>(codec: Encoder<Value>, value: Value): Uint8Array {
  let encoded: Uint8Array;
  try {
    encoded = codec.encode(value);
  } catch (error) {
    throw RaftkvError.from(error, 'invalid_argument');
  }
  if (!(encoded instanceof Uint8Array)) throw new RaftkvError('invalid_argument', 'the codec did not make bytes');
  return encoded;
}

/** Decodes with `bad_frame` for whatever a codec throws: what is stored is not what this codec writes. */
export function decodeValue<Value>(codec: Codec<Value>, value: Uint8Array): Value {
  try {
    return codec.decode(value);
  } catch (error) {
    const cause = RaftkvError.from(error, 'bad_frame');
    throw new RaftkvError('bad_frame', `the codec cannot read the stored value: ${cause.message}`, { cause: error });
  }
}
