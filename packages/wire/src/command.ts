// A client's command as bytes: encoded once, by the client, and from then on what is sent, logged, replicated and applied.
// First a byte with the format's version and whether the rest is deflated, then [session or nil, operation].
import type { Command, CommandEnvelope, SessionStamp } from '@raftkv/kv';
import { deflateCompression } from './compression.ts';
import { RaftkvError } from './error.ts';
import type { Walk } from './layout.ts';
import type { Limits } from './limits.ts';
import { defaultLimits, withinFormat } from './limits.ts';
import { command as commandLayout } from './operation.ts';
import { checkCommandSize, deflatedFormat, envelopeBytes, unpackCommand } from './packer.ts';
import type { CommandPacker } from './packer.ts';
import { Reader } from './reader.ts';
import type { Slab } from './slab.ts';
import { Writer } from './writer.ts';

const plainFormat = 0x10;

export interface EncodeCommandOptions {
  /** Those of the format hold in any case. */
  readonly limits?: Limits;
  /** Compress commands with more than 1 KiB of values where it saves at least an eighth. Without it: never. */
  readonly packer?: CommandPacker;
  /** Write into this instead of a buffer of its own: for commands that do not live long. */
  readonly slab?: Slab;
}

export interface DecodeCommandOptions {
  /** Those of the format hold in any case. */
  readonly limits?: Limits;
}

/**
 * The bytes of a command. Throws RaftkvError: `key_empty`, `key_too_large`, `value_too_large`, `batch_too_large`,
 * `request_too_large` (the command as a whole), `invalid_argument` (a number that is none, a key that is no byte string).
 *
 * @example
 * ```ts
 * const bytes = encodeCommand({ session: undefined, command: { type: 'put', key: 'a', value } })
 * ```
 */
export function encodeCommand(envelope: CommandEnvelope, options: EncodeCommandOptions = {}): Uint8Array {
  const limits = withinFormat(options.limits ?? defaultLimits);
  const writer = new Writer(sizeHint(envelope.command), options.slab);
  writer.byte(plainFormat);
  writer.array(2);
  writeSession(writer, envelope.session);
  commandLayout.write(writer, envelope.command, walkOf(limits));
  return finish(writer, limits, options.packer);
}

/**
 * The same command under another session stamp, without looking at what it is: a client that decodes nothing need not carry the decoder. The bytes
 * must be what `encodeCommand` made with the same `packer`. Throws `request_too_large` where the longer stamp no longer fits.
 */
export function restampCommand(
  bytes: Uint8Array,
  session: SessionStamp,
  options: EncodeCommandOptions = {},
): Uint8Array {
  const limits = withinFormat(options.limits ?? defaultLimits);
  const reader =
    options.packer !== undefined && bytes[0] === deflatedFormat
      ? new Reader(options.packer.unpack(bytes, limits))
      : new Reader(bytes, 1);
  reader.tuple(2);
  readSession(reader);
  const rest = reader.bytes.subarray(reader.offset, reader.end);
  const writer = new Writer(rest.length + envelopeBytes, options.slab);
  writer.byte(plainFormat);
  writer.array(2);
  writeSession(writer, session);
  writer.raw(rest);
  return finish(writer, limits, options.packer);
}

/**
 * What the bytes of a command mean, checked in full. Values are views over `bytes` (or over what was inflated): whoever keeps one for
 * long copies it, or keeps all of `bytes` alive. Throws like `encodeCommand`, and `bad_frame` or `unsupported_version`.
 * A committed entry is decoded with `formatLimits`, so that all members agree. Inflating is never the caller's choice, for the same reason.
 */
export function decodeCommand(bytes: Uint8Array, options: DecodeCommandOptions = {}): CommandEnvelope {
  const limits = withinFormat(options.limits ?? defaultLimits);
  checkCommandSize(bytes.length, limits);
  const format = bytes[0];
  if (format === undefined) throw new RaftkvError('bad_frame', 'a command without bytes');
  if (format === plainFormat) return readEnvelope(new Reader(bytes, 1), limits);
  if (format === deflatedFormat)
    return readEnvelope(new Reader(unpackCommand(bytes, limits, deflateCompression)), limits);
  throw new RaftkvError('unsupported_version', `a command in format 0x${format.toString(16)}, which is not known here`);
}

function finish(writer: Writer, limits: Limits, packer: CommandPacker | undefined): Uint8Array {
  const plain = writer.finish();
  checkCommandSize(plain.length, limits);
  return packer === undefined ? plain : packer.pack(plain);
}

function readEnvelope(reader: Reader, limits: Limits): CommandEnvelope {
  reader.tuple(2);
  const session = readSession(reader);
  const command = commandLayout.read(reader, walkOf(limits));
  reader.expectEnd();
  return { session, command };
}

function writeSession(writer: Writer, session: SessionStamp | undefined): void {
  if (session === undefined) return writer.nil();
  writer.array(3);
  writer.uint(session.clientId);
  writer.uint(session.sequence);
  writer.uint(session.ackFloor);
}

function readSession(reader: Reader): SessionStamp | undefined {
  if (reader.nil()) return undefined;
  reader.tuple(3);
  return { clientId: reader.positive(), sequence: reader.positive(), ackFloor: reader.uint() };
}

function walkOf(limits: Limits): Walk {
  return { version: 1, limits, ops: limits.maxOps, depth: 0 };
}

function sizeHint(command: Command): number {
  if (command.type === 'put') return envelopeBytes + command.key.length + command.value.length;
  if (command.type !== 'batch') return 256;
  let bytes = envelopeBytes;
  for (const op of command.ops) {
    if (op.type === 'put') bytes += 16 + op.key.length + op.value.length;
    else bytes += 16 + (op.type === 'delete' ? op.key.length : 2 * op.range.from.length);
  }
  return bytes;
}
