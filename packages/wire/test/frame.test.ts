// Frames as such: cutting lists of messages under a limit, and what is peculiar to single kinds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeClientFrame,
  decodePeerFrame,
  decodeServerFrame,
  encodeClientFrames,
  encodePeerFrames,
  encodeServerFrame,
  encodeServerFrames,
  isPeerControl,
  decodePeerControl,
  encodePeerControl,
  encodePeerFrame,
  encodeLogBatch,
} from '../src/index.ts';
import type { Incarnation, ServerMessage } from '../src/index.ts';
import { clientMessage, peerMessage, serverMessage } from './arbitraries.ts';

describe('a list of messages too long for one frame', () => {
  it('is cut into frames under the limit, in order, none empty', () => {
    const check = <M>(
      messages: M[],
      limit: number,
      encode: (m: M[], max: number) => Uint8Array[],
      decode: (f: Uint8Array) => M[],
    ) => {
      let frames: Uint8Array[];
      try {
        frames = encode(messages, limit);
      } catch (error) {
        expect(error).toMatchObject({ code: 'frame_too_large' });
        return;
      }
      for (const frame of frames) {
        expect(frame.length).toBeLessThanOrEqual(limit);
        expect(decode(frame).length).toBeGreaterThan(0);
      }
      expect(frames.flatMap(decode)).toEqual(messages);
    };
    const limit = fc.integer({ min: 300, max: 3000 });
    fc.assert(
      fc.property(
        fc.array(serverMessage, { maxLength: 20 }),
        fc.array(clientMessage, { maxLength: 20 }),
        fc.array(peerMessage, { maxLength: 8 }),
        limit,
        (s, c, p, max) => {
          check(s, max, encodeServerFrames, decodeServerFrame);
          check(c, max, encodeClientFrames, decodeClientFrame);
          check(p, max, encodePeerFrames, decodePeerFrame);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives what alone is too large to the caller to replace, and keeps its neighbours', () => {
    const large = (id: number): ServerMessage => ({
      type: 'result',
      id,
      result: {
        type: 'put',
        revision: 1,
        previous: { key: 'k', value: new Uint8Array(500), revision: 1, createRevision: 1, version: 1 },
      },
    });
    const list: ServerMessage[] = [{ type: 'pong', id: 1 }, large(2), large(3), { type: 'pong', id: 4 }];
    const replaced = encodeServerFrames(list, 200, (message) => ({
      type: 'pong',
      id: 'id' in message ? message.id + 100 : 0,
    }));
    expect(replaced.flatMap(decodeServerFrame).map((message) => 'id' in message && message.id)).toEqual([
      1, 102, 103, 4,
    ]);
    expect(() => encodeServerFrames(list, 200)).toThrow(expect.objectContaining({ code: 'frame_too_large' }));
    expect(encodeServerFrames([], 200)).toEqual([]);
  });
});

describe('a frame', () => {
  it('shows an error code that is not known here as internal', () => {
    const frame = encodeServerFrame([{ type: 'error', id: 7, code: 'busy', message: 'm', definite: true }]);
    const at = frame.findIndex((byte, i) => byte === 'b'.charCodeAt(0) && frame[i + 1] === 'u'.charCodeAt(0));
    frame[at] = 'f'.charCodeAt(0);
    expect(decodeServerFrame(frame)).toMatchObject([{ code: 'internal', message: 'm' }]);
  });

  it('of the handshake is told apart from one of messages', () => {
    expect(isPeerControl(encodePeerControl({ type: 'ping', nonce: 1 }))).toBe(true);
    expect(isPeerControl(encodePeerFrame([]))).toBe(false);
  });

  it('holds entries without a gap only', () => {
    const data = new Uint8Array();
    const entries = [
      { index: 5, term: 1, kind: 'command' as const, data },
      { index: 7, term: 1, kind: 'command' as const, data },
    ];
    expect(() => encodeLogBatch({ hardState: undefined, entries })).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });
});

describe('a frame between members', () => {
  const head = { from: 'a', to: 'b', term: 1 };
  const short = { type: 'heartbeatResponse', ...head, readToken: 3 } as const;
  const long = { ...short, priority: 5 } as const;

  it('is of version 1 while it says nothing newer, so that older members go on reading it', () => {
    expect(encodePeerFrame([short, { type: 'voteRequest', ...head, lastIndex: 1, lastTerm: 1 }])[0]).toBe(1);
    expect(encodePeerFrame([short, long, short])[0]).toBe(2);
    expect(decodePeerFrame(encodePeerFrame([short, long, short]))).toEqual([short, long, short]);
  });

  it('of version 1 with a newer form in it is refused, as is version 4', () => {
    const bytes = encodePeerFrame([long]);
    bytes[0] = 1;
    expect(() => decodePeerFrame(bytes)).toThrow(expect.objectContaining({ code: 'bad_frame' }));
    bytes[0] = 4;
    expect(() => decodePeerFrame(bytes)).toThrow(expect.objectContaining({ code: 'unsupported_version' }));
  });

  it('has the version of its own messages when a list is cut', () => {
    const frames = encodePeerFrames([short, long, short], encodePeerFrame([long]).length);
    expect(frames.map((frame) => frame[0])).toEqual([1, 2, 1]);
    expect(frames.flatMap((frame) => decodePeerFrame(frame))).toEqual([short, long, short]);
  });
});

describe('the facts of a handshake', () => {
  const draw = '0123456789abcdef';
  const confirm = (incarnation: Incarnation, storeIds?: ReadonlyMap<string, string>) =>
    encodePeerControl({ type: 'confirm', facts: { incarnation, founding: storeIds } });

  it.each([
    ['a start that was none', confirm({ bootCount: 0, draws: [draw] })],
    ['no draw', confirm({ bootCount: 1, draws: [] })],
    ['more draws than are told', confirm({ bootCount: 20, draws: Array.from({ length: 17 }, () => draw) })],
    ['a draw that is none', confirm({ bootCount: 1, draws: ['0123456789ABCDEF'] })],
    ['a short draw', confirm({ bootCount: 1, draws: ['0123'] })],
    [
      'more founders than there may be',
      confirm({ bootCount: 1, draws: [draw] }, new Map(Array.from({ length: 65 }, (_, at) => [`${at}`, 's']))),
    ],
    ['a founder twice', new Uint8Array([0x81, 0x92, 0x07, 0x94, 0xa1, 0x61, 0xa1, 0x73, 0xa1, 0x61, 0xa1, 0x74])],
    ['a founder without a storage', new Uint8Array([0x81, 0x92, 0x07, 0x91, 0xa1, 0x61])],
    ['half of the facts', new Uint8Array([0x81, 0x92, 0x03, 0x92, 0x01, 0xa1, 0x73])],
    ['facts of a refusal', new Uint8Array([0x81, 0x95, 0x04, 0xa1, 0x61, 0xa1, 0x61, 0xc0, 0xc0])],
  ])('are refused with %s', (_, bytes) => {
    expect(() => decodePeerControl(bytes)).toThrow(expect.objectContaining({ code: 'bad_frame' }));
  });

  it('are not there in version 1, which is read as before', () => {
    expect(decodePeerControl(encodePeerControl({ type: 'confirm' }))).toEqual({ type: 'confirm' });
    expect(encodePeerControl({ type: 'confirm' })).toEqual(new Uint8Array([0x81, 0x91, 0x03]));
  });
});
