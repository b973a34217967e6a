// What two sides agree about one connection: who is at its other end stays who it was.
import { expect, it } from 'vitest';
import type { RaftkvError } from '@raftkv/wire';
import type { PeerConnection, SessionDescription } from '../../src/webrtc/index.ts';
import { Negotiation } from '../../src/webrtc/negotiation.ts';

it('takes no later description of somebody with another certificate', async () => {
  const [taken, errors]: [SessionDescription[], RaftkvError[]] = [[], []];
  const connection = {
    signalingState: 'stable',
    localDescription: { type: 'answer', sdp: 'own' },
    createAnswer: () => Promise.resolve({ type: 'answer' }),
    setLocalDescription: () => Promise.resolve(),
    setRemoteDescription: (description: SessionDescription) => Promise.resolve(void taken.push(description)),
    addEventListener: () => undefined,
  } as unknown as PeerConnection;
  const negotiation = new Negotiation({
    connection,
    isPolite: true,
    trickles: true,
    send: () => undefined,
    onFailed: (error) => errors.push(error),
  });
  const describing = (certificate: string, ice: string) =>
    `v=0\r\na=ice-ufrag:${ice}\r\na=fingerprint:sha-256 ${certificate}\r\n`;
  await negotiation.describe('offer', describing('AA:BB', 'one'));
  // A restart of ICE.
  await negotiation.describe('offer', describing('aa:bb', 'two'));
  expect(errors).toEqual([]);
  const foreign = [
    describing('AA:CC', 'three'),
    `${describing('AA:BB', 'three')}a=fingerprint:sha-256 AA:CC\r\n`,
    'v=0\r\n',
  ];
  for (const sdp of foreign) await negotiation.describe('offer', sdp);
  expect(errors.map(({ code }) => code)).toEqual(['wrong_member', 'wrong_member', 'wrong_member']);
  expect(taken.map(({ sdp }) => sdp)).toEqual([describing('AA:BB', 'one'), describing('aa:bb', 'two')]);
  expect(negotiation.remoteSdp).toBe(describing('aa:bb', 'two'));
});
