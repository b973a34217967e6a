// Two ends that connect by codes which people carry, over real WebRTC; and codes that were damaged on the way, or made up.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../../src/channel.ts';
import { nodeWebRtc } from '../../src/node/webrtc.ts';
import { recordChannel } from '../../src/recorded-channel.ts';
import { answerInvitation, certificatesOf, invite } from '../../src/webrtc/index.ts';
import type { DataPort, PeerConnection, SessionDescription } from '../../src/webrtc/index.ts';
import { decodeCode, encodeCode } from '../../src/webrtc/invitation-code.ts';

const options = { RTCPeerConnection: await nodeWebRtc() };

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing',
    (error: unknown) => RaftkvError.from(error).code,
  );
}

describe('an invitation', () => {
  it('connects two pages by one code each way, also when the codes were wrapped', async () => {
    const invitation = await invite(options);
    expect(invitation.code).toMatch(/^[\w-]{200,2000}$/);
    const answered = await answerInvitation(invitation.code.replaceAll(/(.{60})/g, '$1\n '), options);
    const left = await invitation.accept(` ${answered.code}\n`);
    const [atLeft, atRight] = [recordChannel(left), recordChannel(await answered.channel)];
    left.send(Uint8Array.of(1));
    await atRight.frames(1);
    left.close();
    await Promise.all([atLeft.closed, atRight.closed]);
  });

  it('says what certificates its two ends have, which are not those of somebody between', async () => {
    const connect = async () => {
      const invitation = await invite(options);
      const answered = await answerInvitation(invitation.code, options);
      return Promise.all([invitation.accept(answered.code), answered.channel]);
    };
    const [[left, between], [alsoBetween, right]] = await Promise.all([connect(), connect()]);
    const [atLeft, there, thereToo, atRight] = [left, between, alsoBetween, right].map((channel) =>
      certificatesOf(channel),
    );
    expect(atLeft).toEqual({ own: there!.other, other: there!.own });
    expect(atRight).toEqual({ own: thereToo!.other, other: thereToo!.own });
    expect(atLeft!.own).toMatch(/^a=fingerprint:sha-256 [0-9a-f:]{95}$/);
    expect(new Set([atLeft!.own, atLeft!.other, atRight!.own, atRight!.other]).size).toBe(4);
    expect(certificatesOf({ ...left })).toBeUndefined();
    for (const channel of [left, between, alsoBetween, right]) channel.close();
  });

  it('says them also when its channel is open before the browser has done with the description', async () => {
    class Late extends options.RTCPeerConnection {
      readonly #opened: Promise<unknown>[] = [];

      override createDataChannel(...given: Parameters<PeerConnection['createDataChannel']>): DataPort {
        const port = super.createDataChannel(...given);
        this.#opened.push(new Promise<void>((resolve) => port.addEventListener('open', resolve)));
        return port;
      }

      override async setRemoteDescription(description: SessionDescription): Promise<void> {
        await super.setRemoteDescription(description);
        await Promise.all(this.#opened);
      }
    }
    const invitation = await invite({ RTCPeerConnection: Late });
    const answered = await answerInvitation(invitation.code, options);
    const opened = [answered.channel, invitation.accept(answered.code)];
    const [right, left] = (await Promise.all(opened)) as [Channel, Channel];
    expect(certificatesOf(left)).toEqual({ own: certificatesOf(right)!.other, other: certificatesOf(right)!.own });
    for (const channel of [left, right]) channel.close();
  });

  it('takes another code after one that cannot be used', async () => {
    const [invitation, other] = [await invite(options), await invite(options)];
    const wrong = await answerInvitation(other.code, options);
    const right = await answerInvitation(invitation.code, options);
    expect(await codeOf(invitation.accept('hello'))).toBe('bad_frame');
    expect(await codeOf(invitation.accept(invitation.code))).toBe('bad_frame');
    expect(await codeOf(invitation.accept(wrong.code))).toBe('invalid_argument');
    expect(await codeOf(invitation.accept(right.code.slice(0, -4)))).toBe('bad_frame');
    const channels = await Promise.all([invitation.accept(right.code), right.channel]);
    for (const channel of channels) channel.close();
    other.close();
    wrong.close();
    expect(await codeOf(wrong.channel)).toBe('closed');
  });

  it('ends when nobody answers, and when the content makes no sense', async () => {
    const invitation = await invite(options);
    const answered = await answerInvitation(invitation.code, { ...options, connectMilliseconds: 500 });
    expect(await codeOf(answered.channel)).toBe('timeout');
    invitation.close();
    const nonsense = encodeCode({ type: 'offer', session: crypto.randomUUID(), sdp: 'nonsense' });
    expect(await codeOf(answerInvitation(nonsense, options))).toBe('connect_failed');
  });
});

describe('a code', () => {
  const session = '01234567-89ab-cdef-0123-456789abcdef';

  it('gives back what is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 500 }),
        fc.constantFrom('offer', 'answer'),
        (sdp, type) => {
          expect(decodeCode(encodeCode({ type, session, sdp }), type)).toEqual({ type, session, sdp });
        },
      ),
    );
  });

  it('is refused with a code for whatever else it is', () => {
    const good = encodeCode({ type: 'offer', session, sdp: 'v=0' });
    const refusal = (code: string): string => {
      try {
        decodeCode(code, 'offer');
        return 'nothing';
      } catch (error) {
        return RaftkvError.from(error).code;
      }
    };
    expect(refusal(`B${good.slice(1)}`)).toBe('unsupported_version');
    expect(refusal('A'.repeat(40_000))).toBe('bad_frame');
    // 40 KB of nothing in some bytes.
    expect(refusal(encodeCode({ type: 'offer', session, sdp: ' '.repeat(40_000) }))).toBe('bad_frame');
    expect(refusal(encodeCode({ type: 'offer', session: 'x'.repeat(36), sdp: 'v=0' }))).toBe('bad_frame');
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (place, letter) => {
        fc.pre(letter !== good[place] && letter.trim() !== '');
        const damaged = good.slice(0, place) + letter + good.slice(place + 1);
        // The last letter may have bits to spare.
        if (place < good.length - 1) expect(['bad_frame', 'unsupported_version']).toContain(refusal(damaged));
      }),
    );
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => void expect(refusal(text)).not.toBe('nothing')));
  });
});
