// Layouts that are loaded before they are used, as a page's production build has them: once they are there they are those of everybody else.
import type { Command } from '@raftkv/kv';
import { describe, expect, it, vi } from 'vitest';
import type { ClientMessage, NodeStatus, ServerMessage } from '../src/index.ts';

const txn: Command = {
  type: 'txn',
  compare: [{ target: 'exists', exists: false, key: 'a', operator: 'equal' }],
  then: [
    { type: 'put', key: 'a', value: Uint8Array.of(1) },
    { type: 'txn', compare: [], then: [{ type: 'get', key: 'b' }], otherwise: [] },
  ],
  otherwise: [{ type: 'scan', range: { from: '', to: undefined } }],
};

const status: NodeStatus = {
  clusterId: 'c',
  memberId: 'm',
  name: 'n1',
  version: '1',
  phase: 'running',
  role: 'leader',
  term: 1,
  leaderId: 'm',
  leader: undefined,
  commitIndex: 2,
  appliedIndex: 2,
  lastIndex: 2,
  firstIndex: 1,
  snapshotIndex: 0,
  revision: 1,
  compactedRevision: 0,
  keys: 1,
  dataBytes: 2,
  syncWrites: true,
  uptimeSeconds: 1.5,
  members: [],
};

const answers: ServerMessage[] = [
  {
    type: 'result',
    id: 1,
    result: {
      type: 'txn',
      revision: 3,
      succeeded: true,
      results: [
        { type: 'txn', revision: 3, succeeded: false, results: [{ type: 'get', revision: 3, entry: undefined }] },
      ],
    },
  },
  { type: 'statusResult', id: 2, status },
  { type: 'result', id: 3, result: { type: 'scan', revision: 3, more: false, count: 1, entries: [] } },
  {
    type: 'watchEvents',
    id: 4,
    changes: [{ revision: 3, events: [{ type: 'delete', key: 'a', revision: 3, previous: undefined }] }],
  },
];

const range = { from: 'a', to: 'b' };
const requests: ClientMessage[] = [
  { type: 'scan', id: 3, range, level: 'local', minRevision: 1, options: { countOnly: true } },
  { type: 'watch', id: 4, range, from: 2, previous: true, progress: false },
];

describe('layouts that are loaded later', () => {
  it('are needed for transactions, scans, watches and status alone, and are then those of everybody else', async () => {
    const usual = await import('../src/index.ts');
    const command = usual.encodeCommand({ session: undefined, command: txn });
    const frame = usual.encodeServerFrame(answers);
    const asked = usual.encodeClientFrame(requests);

    vi.resetModules();
    vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
    const later = await import('../src/index.ts');
    const put: Command = { type: 'put', key: 'a', value: Uint8Array.of(1) };
    expect(later.encodeCommand({ session: undefined, command: put })).toEqual(
      usual.encodeCommand({ session: undefined, command: put }),
    );
    expect(() => later.encodeCommand({ session: undefined, command: txn })).toThrow(TypeError);
    for (const request of requests) expect(() => later.encodeClientFrame([request])).toThrow(TypeError);
    for (const answer of answers) {
      expect(() => later.decodeServerFrame(usual.encodeServerFrame([answer]))).toThrow(Error);
    }

    await later.loadRareLayouts();
    expect(later.encodeCommand({ session: undefined, command: txn })).toEqual(command);
    expect(later.encodeClientFrame(requests)).toEqual(asked);
    expect(later.decodeServerFrame(frame)).toEqual(usual.decodeServerFrame(frame));
  });
});
