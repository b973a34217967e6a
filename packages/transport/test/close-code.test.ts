// Reasons that travel in WebSocket close frames.
import { RaftkvError } from '@raftkv/wire';
import type { ErrorCode } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { fromCloseFrame, toCloseFrame } from '../src/close-code.ts';

describe('a close frame', () => {
  it('brings back the code and the message it was made from', () => {
    const codes: ErrorCode[] = ['bad_frame', 'wrong_cluster', 'member_amnesia', 'busy', 'closed', 'timeout', 'halted'];
    for (const code of codes) {
      const frame = toCloseFrame(new RaftkvError(code, 'because'));
      const error = fromCloseFrame(frame.code, frame.reason, 'there');
      expect([error?.code, error?.message]).toEqual([code, 'because']);
    }
  });

  it('has the numbers that it always had', () => {
    const codes: ErrorCode[] = [
      'bad_frame',
      'wrong_cluster',
      'busy',
      'closed',
      'halted',
      'internal',
      'invalid_argument',
      'member_removed',
      'member_superseded',
      'founders_disagree',
    ];
    const numbers = codes.map((code) => toCloseFrame(new RaftkvError(code, '')).code);
    expect(numbers).toEqual([4001, 4004, 4007, 4009, 4010, 4012, 4013, 4014, 4015, 4016]);
    const standard = [1002, 1003, 1007, 1008, 1009, 1011, 1013].map((code) => fromCloseFrame(code, '', '')?.code);
    const bad = 'bad_frame';
    expect(standard).toEqual([bad, bad, bad, bad, 'frame_too_large', 'internal', 'busy']);
  });

  it('keeps the reason within the 123 bytes that a close frame holds, whatever the script', () => {
    const { reason } = toCloseFrame(new RaftkvError('busy', '漢'.repeat(200)));
    expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(123);
    expect(reason.length).toBeGreaterThan(0);
  });

  it('does not tell the other side of errors that have no number', () => {
    const frame = toCloseFrame(new RaftkvError('storage_failed', 'disk 3 of host a is gone'));
    expect(frame).toEqual({ code: 4012, reason: '' });
    expect(fromCloseFrame(frame.code, frame.reason, 'there')?.code).toBe('internal');
  });

  it('takes any unknown number for a lost connection', () => {
    for (const code of [0, 1006, 1015, 3000, 4000, 4017, 4999, 65_535]) {
      expect(fromCloseFrame(code, '', 'there')?.code).toBe('connection_lost');
    }
  });
});
