// Raw DEFLATE for snapshots by node:zlib, in the thread pool, so that a large snapshot does not hold up heartbeats.
import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import { RaftkvError } from '@raftkv/wire';
import type { ChunkCompression } from '../snapshot-file.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Fast rather than small: a snapshot is written often and read rarely. */
export const zlibCompression: ChunkCompression = {
  deflate: (bytes) => deflate(bytes, { level: constants.Z_BEST_SPEED }),
  inflate: async (bytes, maxBytes) => {
    try {
      return await inflate(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      throw RaftkvError.from(error, 'storage_corrupt');
    }
  },
};
