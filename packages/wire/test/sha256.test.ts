// The hash in plain JavaScript agrees with the runtime's own, however its input is cut.
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hmacSha256, sha256 } from '../src/index.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

it('gives what is published for nothing and for "abc"', () => {
  expect(hex(sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(hex(sha256(Buffer.from('a'), Buffer.from('bc')))).toBe(abc);
});

it('agrees with the runtime for every length around a block, and in any pieces', () => {
  for (let length = 0; length < 200; length += 1) {
    const bytes = new Uint8Array(length).fill(length);
    expect(hex(sha256(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (parts) => {
      expect(hex(sha256(...parts))).toBe(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));
    }),
  );
});

it('shows a secret as the runtime does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (secret, message) => {
      expect(hex(hmacSha256(secret, message))).toBe(createHmac('sha256', secret).update(message).digest('hex'));
    }),
  );
});
