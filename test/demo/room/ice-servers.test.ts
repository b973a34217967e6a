// STUN and TURN servers as people write them: taken as they are meant, or refused in a sentence.
import { describe, expect, it } from 'vitest';
import { parseIceServers, readIceSetting } from '../../../demo/src/room/ice-servers.ts';

describe('STUN and TURN servers', () => {
  it.each([
    ['', []],
    [' \n ; ', []],
    ['stun:stun.example.org', [{ urls: 'stun:stun.example.org' }]],
    ['stuns:[2001:db8::1]:5349', [{ urls: 'stuns:[2001:db8::1]:5349' }]],
    [
      'stun:10.0.0.1:3478\nturn:turn.example.org?transport=tcp  ada  s3cret:/@',
      [
        { urls: 'stun:10.0.0.1:3478' },
        { urls: 'turn:turn.example.org?transport=tcp', username: 'ada', credential: 's3cret:/@' },
      ],
    ],
    ['stun:a;stun:b', [{ urls: 'stun:a' }, { urls: 'stun:b' }]],
  ])('are read from %j', (text, servers) => {
    expect(parseIceServers(text)).toEqual(servers);
  });

  it.each([
    ['stun.example.org', 'is no address of a server'],
    ['https://example.org', 'is no address of a server'],
    ['stun:', 'is no address of a server'],
    ['stun:a:0', 'is no address of a server'],
    ['stun:a:70000', 'is no address of a server'],
    ['turn:a', 'needs a user and a password'],
    ['turn:a ada', 'needs a user and a password'],
    ['turn:a ada secret more', 'needs a user and a password'],
    ['stun:a ada secret', 'takes nothing after it'],
    ['stun:a?transport=udp', 'may say a transport only with TURN'],
    ['stun:a;stun:b;stun:c;stun:d;stun:e', 'At most 4'],
    [`stun:${'a'.repeat(1_000)}`, 'longer than'],
  ])('are refused where they make no sense: %s', (text, reason) => {
    expect(() => parseIceServers(text)).toThrow(reason);
  });

  it('are those of the address before those that are kept', () => {
    expect(readIceSetting('?ice=stun:a')).toEqual({ text: 'stun:a', isFromAddress: true });
    expect(readIceSetting('?links=webrtc')).toEqual({ text: '', isFromAddress: false });
  });
});
