// Layouts that are loaded before they are used, as a page's production build has them: once they are there they are those of everybody else.
import type { Command } from '@raftkv/kv';
import { describe, expect, it, vi } from 'vitest';
import type { NodeStatus, ServerMessage } from '../src/index.ts';

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
];

describe('layouts that are loaded later', () => {
  it('are needed for transactions and status alone, and are then those of everybody else', async () => {
    const usual = await import('../src/index.ts');
    const command = usual.encodeCommand({ session: undefined, command: txn });
    const frame = usual.encodeServerFrame(answers);

    vi.resetModules();
    vi.doMock('../src/rare.ts', () => import('../src/rare-later.ts'));
    const later = await import('../src/index.ts');
    const put: Command = { type: 'put', key: 'a', value: Uint8Array.of(1) };
    expect(later.encodeCommand({ session: undefined, command: put })).toEqual(
      usual.encodeCommand({ session: undefined, command: put }),
    );
    expect(() => later.encodeCommand({ session: undefined, command: txn })).toThrow(TypeError);
    expect(() => later.decodeServerFrame(frame)).toThrow(TypeError);

    await later.loadRareLayouts();
    expect(later.encodeCommand({ session: undefined, command: txn })).toEqual(command);
    expect(later.decodeServerFrame(frame)).toEqual(usual.decodeServerFrame(frame));
  });
});
