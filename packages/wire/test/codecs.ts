// Every codec of the package as one list, so that the round-trip, fuzz and interoperability tests leave none out.
import type { CommandEnvelope } from '@raftkv/kv';
import fc from 'fast-check';
import {
  decodeAdminRequest,
  decodeAdminResult,
  decodeClientFrame,
  decodeCommand,
  decodeConfiguration,
  decodeDigestAnswer,
  decodeHardState,
  decodeLogBatch,
  decodePeerControl,
  decodePeerFrame,
  decodeServerFrame,
  decodeSnapshotMeta,
  deflateCompression,
  encodeAdminRequest,
  encodeAdminResult,
  encodeClientFrame,
  encodeCommand,
  encodeConfiguration,
  encodeDigestAnswer,
  encodeHardState,
  encodeLogBatch,
  encodePeerControl,
  encodePeerFrame,
  encodeServerFrame,
  encodeSnapshotMeta,
} from '../src/index.ts';
import { adminRequest, adminResult, digestAnswer } from './admin-arbitraries.ts';
import { clientMessage, envelope, hardState, logRecord, peerMessage, serverMessage } from './arbitraries.ts';
import { peerControl } from './arbitrary-controls.ts';
import { configuration, snapshotMeta } from './arbitrary-members.ts';

export interface Codec {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function codec<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): Codec {
  return { name, values, encode, decode };
}

export const codecs: readonly Codec[] = [
  codec(
    'a command',
    envelope,
    (value) => encodeCommand(value),
    (bytes) => decodeCommand(bytes),
  ),
  codec(
    'a compressed command',
    fc.tuple(envelope, fc.integer({ min: 1100, max: 2000 }), fc.nat(255)).map(([{ session }, length, fill]) => ({
      session,
      command: { type: 'put' as const, key: 'k', value: new Uint8Array(length).fill(fill), returnPrevious: false },
    })) as fc.Arbitrary<CommandEnvelope>,
    (value) => encodeCommand(value, { packer: deflateCompression.packer() }),
    (bytes) => decodeCommand(bytes),
  ),
  codec('a client frame', fc.array(clientMessage, { maxLength: 8 }), encodeClientFrame, decodeClientFrame),
  codec('a server frame', fc.array(serverMessage, { maxLength: 8 }), encodeServerFrame, decodeServerFrame),
  codec('a peer frame', fc.array(peerMessage, { maxLength: 5 }), encodePeerFrame, decodePeerFrame),
  codec('a peer control', peerControl, encodePeerControl, decodePeerControl),
  codec('a log batch', logRecord, encodeLogBatch, decodeLogBatch),
  codec('a hard state', hardState, encodeHardState, decodeHardState),
  codec('a snapshot position', snapshotMeta, encodeSnapshotMeta, decodeSnapshotMeta),
  codec('a request about members', adminRequest, encodeAdminRequest, decodeAdminRequest),
  codec('an answer about members', adminResult, encodeAdminResult, decodeAdminResult),
  codec('a digest', digestAnswer, encodeDigestAnswer, decodeDigestAnswer),
  codec('a configuration', configuration, encodeConfiguration, decodeConfiguration),
];
