// The link of a room: what goes in comes out, what is no link is refused in words, and the id tells nothing of the secret.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRoomLink, drawRoomKey, encodeRoomLink, roomIdOf } from '../../src/room/room-link.ts';

describe('a link to a room', () => {
  it('carries name and secret in its fragment', () => {
    const key = drawRoomKey('Tea & cake'.replace(' & ', ' and '));
    const link = encodeRoomLink(key, 'https://example.org/app/?tab=1#elsewhere');
    expect(link).toBe(`https://example.org/app/?tab=1#raftkv-room=1.Tea%20and%20cake.${key.secret}`);
    expect(new URL(link).search + new URL(link).pathname).not.toContain(key.secret);
    expect(decodeRoomLink(link)).toEqual(key);
    expect(decodeRoomLink(new URL(link).hash)).toEqual(key);
    expect(decodeRoomLink(`${link}&scroll=3`)).toEqual(key);
  });

  it('gives back any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (name) => {
        fc.pre(!/[.&]|^\s/.test(name) && name.length <= 80);
        const key = drawRoomKey(name);
        expect(decodeRoomLink(encodeRoomLink(key, 'http://h/'))).toEqual(key);
      }),
    );
  });

  it('is refused where it is none', () => {
    const { secret } = drawRoomKey('x');
    const refused = { code: 'invalid_argument' };
    for (const link of [
      '',
      'https://example.org/',
      '#raftkv-room=1.x',
      `#raftkv-room=1.x.${secret.slice(1)}`,
      `#raftkv-room=1.x.y.${secret}`,
      `#raftkv-room=1.%.${secret}`,
      `#raftkv-room=1..${secret}`,
      '#'.repeat(5000),
    ]) {
      expect(() => decodeRoomLink(link)).toThrow(expect.objectContaining(refused));
    }
    expect(() => decodeRoomLink(`#raftkv-room=2.x.${secret}`)).toThrow(
      expect.objectContaining({ code: 'unsupported_version' }),
    );
    for (const name of ['', '.', 'a.b', 'a&b', ' a', '\ud800', 'x'.repeat(81)])
      expect(() => drawRoomKey(name)).toThrow(expect.objectContaining(refused));
  });

  it('draws another secret each time, of all its letters', () => {
    const secrets = Array.from({ length: 200 }, () => drawRoomKey('x').secret);
    expect(new Set(secrets).size).toBe(200);
    expect(new Set(secrets.join('')).size).toBe(64);
  });
});

describe('the id of a room', () => {
  it('is the same for the same link, another for another name or secret, and holds neither', () => {
    const key = drawRoomKey('Tea');
    const id = roomIdOf(key);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(roomIdOf({ ...key })).toBe(id);
    expect(roomIdOf({ ...key, name: 'Cake' })).not.toBe(id);
    expect(roomIdOf(drawRoomKey('Tea'))).not.toBe(id);
  });
});
