// Commands: their limits on both sides, their nesting, and their compression.
import { deflateRawSync } from 'node:zlib';
import type { CommandEnvelope, TxnCommand } from '@raftkv/kv';
import { describe, expect, it } from 'vitest';
import {
  CompressionGate,
  decodeCommand,
  defaultLimits,
  deflateCompression,
  encodeCommand,
  formatLimits,
  restampCommand,
} from '../src/index.ts';
import type { ErrorCode, Limits } from '../src/index.ts';

const value = Uint8Array.from([1, 2, 3]);
const text = new TextEncoder().encode('{"name":"value","list":[1,2,3]} '.repeat(100));
const small: Limits = { maxKeyBytes: 8, maxValueBytes: 16, maxOps: 4, maxCommandBytes: 100, maxFrameBytes: 1000 };

function put(key: string, bytes: Uint8Array = value): CommandEnvelope {
  return { session: undefined, command: { type: 'put', key, value: bytes } };
}
function code(expected: ErrorCode): object {
  return expect.objectContaining({ name: 'RaftkvError', code: expected });
}
/** Refused where the bytes are made and, made under wider limits, where they are decoded. */
function expectRefused(envelope: CommandEnvelope, expected: ErrorCode): void {
  expect(() => encodeCommand(envelope, { limits: small })).toThrow(code(expected));
  const bytes = encodeCommand(envelope, { limits: { ...formatLimits, maxKeyBytes: 1_000_000 } });
  expect(() => decodeCommand(bytes, { limits: small })).toThrow(code(expected));
}
function nested(depth: number): TxnCommand {
  const then = depth === 1 ? [] : [nested(depth - 1)];
  return { type: 'txn', compare: [], then, otherwise: [] };
}

describe('a command', () => {
  it('keeps within the limits of keys, values, operations and bytes, on both sides', () => {
    expectRefused(put('123456789'), 'key_too_large');
    expectRefused(put('k', new Uint8Array(17)), 'value_too_large');
    const ops = Array.from({ length: 5 }, (_, i) => ({ type: 'delete' as const, key: `${i}` }));
    expectRefused({ session: undefined, command: { type: 'batch', ops } }, 'batch_too_large');
    const five = Array.from({ length: 4 }, () => ({
      type: 'put' as const,
      key: '12345678',
      value: new Uint8Array(16),
    }));
    expectRefused({ session: undefined, command: { type: 'batch', ops: five } }, 'request_too_large');
  });

  it('may be exactly as large as the limits say', () => {
    const envelope = put('12345678', new Uint8Array(16));
    expect(decodeCommand(encodeCommand(envelope, { limits: small }), { limits: small })).toMatchObject(envelope);
    const range = { from: 'aaaaaaaa\0', to: 'bbbbbbbb\0' };
    const ends: CommandEnvelope = { session: undefined, command: { type: 'deleteRange', range } };
    expect(decodeCommand(encodeCommand(ends, { limits: small }), { limits: small })).toMatchObject(ends);
  });

  it('counts the operations of all branches and conditions together', () => {
    const compare = [1, 2, 3].map((number) => ({ key: 'k', operator: 'equal', target: 'version', number }) as const);
    const txn: TxnCommand = { type: 'txn', compare, then: [{ type: 'get', key: 'k' }], otherwise: [] };
    expectRefused({ session: undefined, command: txn }, 'batch_too_large');
  });

  it('keeps within the limits of the format, whatever the limits of a member are', () => {
    const loose: Limits = { ...formatLimits, maxKeyBytes: 1e9, maxValueBytes: 1e9, maxOps: 1e9, maxCommandBytes: 1e9 };
    const key = new Uint8Array(formatLimits.maxKeyBytes + 1).fill(0x6b);
    const bytes = Uint8Array.from([0x10, 0x92, 0xc0, 0x93, 2, 0, 0xc6, 0, 1, 0, 1, ...key]);
    for (const limits of [formatLimits, loose]) expect(() => decodeCommand(bytes, { limits })).toThrow(code('key_too_large')); // prettier-ignore
    expect(() => encodeCommand(put('k'.repeat(key.length)), { limits: loose })).toThrow(code('key_too_large'));
    expect(() => encodeCommand(put('k', new Uint8Array(formatLimits.maxValueBytes + 1)), { limits: loose })).toThrow(
      code('value_too_large'),
    );
  });

  it('checks the key of a condition on a range too, on both sides', () => {
    const range = { from: 'a', to: 'b' };
    const compare = { key: '123456789', range, operator: 'equal', target: 'version', number: 1 } as const;
    const txn = (key: string): CommandEnvelope => ({
      session: undefined,
      command: { type: 'txn', compare: [{ ...compare, key }], then: [], otherwise: [] },
    });
    expectRefused(txn('123456789'), 'key_too_large');
    for (const key of ['', '12345678'])
      expect(decodeCommand(encodeCommand(txn(key), { limits: small }), { limits: small })).toMatchObject(txn(key));
  });

  it('has no empty key', () => {
    expect(() => encodeCommand(put(''))).toThrow(code('key_empty'));
    const bytes = encodeCommand(put('k'));
    const at = bytes.indexOf('k'.charCodeAt(0));
    const emptied = Uint8Array.from([...bytes.subarray(0, at - 1), 0, ...bytes.subarray(at + 1)]);
    expect(() => decodeCommand(emptied)).toThrow(code('key_empty'));
  });

  it('has no key of characters instead of bytes', () => {
    expect(() => encodeCommand(put('€'))).toThrow(code('invalid_argument'));
  });

  it('has no number beyond 2^53, below 0 or between', () => {
    for (const revision of [2 ** 53, -1, 1.5, Number.NaN, Infinity]) {
      const command = { type: 'compact', revision } as const;
      expect(() => encodeCommand({ session: undefined, command })).toThrow(code('invalid_argument'));
    }
    const bytes = encodeCommand({ session: undefined, command: { type: 'compact', revision: 2 ** 53 - 1 } });
    bytes[bytes.length - 7] = 0x20;
    expect(() => decodeCommand(bytes)).toThrow(code('bad_frame'));
  });

  it('nests eight deep and no deeper', () => {
    const eight = { session: undefined, command: nested(8) };
    expect(decodeCommand(encodeCommand(eight))).toEqual(eight);
    expect(() => encodeCommand({ session: undefined, command: nested(9) })).toThrow(code('invalid_argument'));
    const level = (inner: number[]) => [0x94, 5, 0x90, 0x91, ...inner, 0x90];
    let body = [0x94, 5, 0x90, 0x90, 0x90];
    for (let depth = 1; depth < 9; depth += 1) body = level(body);
    expect(() => decodeCommand(Uint8Array.from([0x10, 0x92, 0xc0, ...body]))).toThrow(code('bad_frame'));
  });

  it('keeps reads out of the log on their own', () => {
    expect(() => decodeCommand(Uint8Array.from([0x10, 0x92, 0xc0, 0x93, 10, 0xc4, 1, 107, 0xc0]))).toThrow(
      code('bad_frame'),
    );
  });

  it('has views as its values, not copies', () => {
    const bytes = encodeCommand(put('k', value));
    const { command } = decodeCommand(bytes);
    expect(command.type === 'put' && command.value.buffer === bytes.buffer).toBe(true);
  });
});

describe('another stamp', () => {
  const stamp = { clientId: 70_000, sequence: 3_000_000_000, ackFloor: 2 ** 40 };

  it('changes the session and nothing else, deflated or not, from none or from another', () => {
    for (const packer of [undefined, deflateCompression.packer()]) {
      for (const session of [undefined, { clientId: 1, sequence: 2, ackFloor: 0 }]) {
        const { command } = put('k', text);
        const bytes = encodeCommand({ session, command }, { packer });
        const restamped = restampCommand(bytes, stamp, { packer });
        expect(restamped).toEqual(encodeCommand({ session: stamp, command }, { packer }));
        expect(decodeCommand(restamped)).toMatchObject({ session: stamp });
      }
    }
  });

  it('is refused where the command no longer fits with it', () => {
    const bytes = encodeCommand(put('k'));
    const limits = { ...defaultLimits, maxCommandBytes: bytes.length };
    expect(() => restampCommand(bytes, stamp, { limits })).toThrow(code('request_too_large'));
  });
});

describe('compression', () => {
  it('takes over where values of more than 1 KiB shrink by an eighth', () => {
    const bytes = encodeCommand(put('k', text), { packer: deflateCompression.packer() });
    expect(bytes.length).toBeLessThan(text.length / 4);
    expect(decodeCommand(bytes)).toMatchObject(put('k', text));
  });

  it('gives up on a large value when a piece of it does not shrink', () => {
    const tried: number[] = [];
    const compression = {
      ...deflateCompression,
      deflate: (bytes: Uint8Array) => (tried.push(bytes.length), deflateCompression.deflate(bytes)),
    };
    const noise = Uint8Array.from({ length: 300_000 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) ^ (i * i)) >>> 21);
    expect(encodeCommand(put('k', noise), { packer: compression.packer() })[0]).toBe(0x10);
    expect(tried).toEqual([4096]);
    expect(encodeCommand(put('k', new Uint8Array(300_000)), { packer: compression.packer() })[0]).toBe(0x11);
  });

  it('leaves a value of 1 KiB alone, and one that does not shrink', () => {
    const compression = { ...deflateCompression, deflate: () => expect.fail('tried to compress') };
    expect(encodeCommand(put('k', new Uint8Array(1024)), { packer: compression.packer() })[0]).toBe(0x10);
    let state = 1;
    const noise = Uint8Array.from({ length: 4096 }, () => (state = (state * 48271) % 0x7fffffff) >>> 8);
    expect(encodeCommand(put('k', noise), { packer: deflateCompression.packer() })[0]).toBe(0x10);
  });

  it('refuses a bomb by what it claims, and by what it makes', () => {
    const zeros = deflateCompression.deflate(new Uint8Array(8 * 1024 * 1024));
    const bomb = (claim: number[]) => Uint8Array.from([0x11, ...claim, ...zeros]);
    expect(() => decodeCommand(bomb([0xce, 0x00, 0x80, 0, 0]))).toThrow(code('request_too_large'));
    expect(() => decodeCommand(bomb([0xcd, 0x10, 0]))).toThrow(code('request_too_large'));
    expect(() => deflateCompression.inflate(zeros, 1000)).toThrow(code('request_too_large'));
    expect(deflateCompression.inflate(zeros, 8 * 1024 * 1024)).toHaveLength(8 * 1024 * 1024);
  });

  it('stops at the bound of a bomb of many pieces, without looking at the rest', () => {
    const zeros = deflateCompression.deflate(new Uint8Array(40 * 1024 * 1024));
    expect(zeros.length).toBeGreaterThan(36 * 1024);
    zeros.fill(0xff, 34 * 1024); // Reaching this would be bad_frame.
    expect(() => deflateCompression.inflate(zeros, defaultLimits.maxCommandBytes)).toThrow(code('request_too_large'));
  });

  it('reads what another implementation of DEFLATE wrote', () => {
    const zlib = { ...deflateCompression, deflate: (bytes: Uint8Array) => deflateRawSync(bytes) };
    const large = new TextEncoder().encode(
      JSON.stringify(Array.from({ length: 12_000 }, (_, i) => ({ i, square: i * i }))),
    );
    for (const sent of [text, large]) {
      const bytes = encodeCommand(put('k', sent), { packer: zlib.packer() });
      expect(bytes[0]).toBe(0x11);
      const { command } = decodeCommand(bytes);
      expect(command.type === 'put' && Buffer.compare(command.value, sent)).toBe(0);
    }
  });

  it('refuses a stream that ends too early or makes less than it claims', () => {
    const bytes = encodeCommand(put('k', text), { packer: deflateCompression.packer() });
    expect(() => decodeCommand(bytes.subarray(0, bytes.length - 20))).toThrow(code('bad_frame'));
    const more = Uint8Array.from(bytes);
    more[3]! += 1;
    expect(() => decodeCommand(more)).toThrow(code('bad_frame'));
  });

  it('rests after payloads that did not shrink, longer each time, and wakes on one that does', () => {
    const gate = new CompressionGate();
    let tries = 0;
    for (let i = 0; i < 10_000; i += 1) {
      if (!gate.shouldTry()) continue;
      tries += 1;
      gate.record(false);
    }
    expect(tries).toBeLessThan(30);
    while (!gate.shouldTry()) tries += 0;
    gate.record(true);
    for (let i = 0; i < 3; i += 1) {
      expect(gate.shouldTry()).toBe(true);
      gate.record(false);
    }
    expect(gate.shouldTry()).toBe(true);
  });
});
