// Base64 against Node's own, and its refusals against Go's.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBytes, decodeKey, encodeBytes, encodeKey } from '../../src/gateway/base64.ts';

describe('base64', () => {
  it('writes any bytes as Node does, and reads them back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = encodeBytes(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(Buffer.from(decodeBytes(text)).equals(Buffer.from(bytes))).toBe(true);
      }),
      { seed: 1 },
    );
  });

  it('keeps every byte of a key, zero and 255 included, also of a long one', () => {
    const key = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)).repeat(33);
    expect(decodeKey(encodeKey(key))).toBe(key);
    expect(encodeKey('\0')).toBe('AA==');
  });

  it('skips line ends anywhere, as the standard decoder of Go does', () => {
    expect(decodeKey('Y\r\nWJj\nZA=\n=\r\n')).toBe('abcd');
  });

  it.each([
    ['a', 0],
    ['YQ', 0],
    ['YQ=', 3],
    ['Y-_=', 1],
    ['====', 0],
    ['YQ==YQ==', 4],
    ['YWJjZ', 4],
    ['YWJjé', 4],
    ['YQ=a', 2],
  ])('refuses %s at byte %i', (text, at) => {
    expect(() => decodeBytes(text)).toThrow(`illegal base64 data at input byte ${at}`);
  });

  it('accepts exactly what encodes to itself, but for line ends', () => {
    const unit = fc.constantFrom(...'AQgw+/=-_z9 é');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 13 }), (units) => {
        const text = units.join('');
        let decoded: Uint8Array | undefined;
        try {
          decoded = decodeBytes(text);
        } catch {
          decoded = undefined;
        }
        const isShaped = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
        expect(decoded !== undefined).toBe(isShaped);
        if (decoded !== undefined) expect(Buffer.from(decoded)).toEqual(Buffer.from(text, 'base64'));
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
