// The checks that the simulator makes of its own while a world goes on, on doctored answers and logs: what differs only in its content is found as well.
import { Raft } from '@raftkv/raft';
import type { Entry } from '@raftkv/raft';
import { describe, expect, it } from 'vitest';
import { Canon } from './canon.ts';
import { ClusterChecks } from './cluster-checks.ts';
import { ConfirmedReads } from './confirmed-reads.ts';
import { isSameResult } from './member-checks.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the answers of two members to one entry', () => {
  const deleted = { type: 'delete', revision: 4, deleted: 1 } as const;
  const compacted = { type: 'error', code: 'compacted', message: 'so far' } as const;

  it('are the same if all of it is, but for the words of an error', () => {
    expect(isSameResult(deleted, { ...deleted })).toBe(true);
    expect(isSameResult(compacted, { ...compacted, message: 'in other words' })).toBe(true);
    expect(isSameResult(undefined, undefined)).toBe(true);
  });

  it('are told apart by what they say, not only by their revision', () => {
    expect(isSameResult(deleted, { ...deleted, deleted: 2 })).toBe(false);
    expect(isSameResult(compacted, { ...compacted, code: 'invalid_argument' })).toBe(false);
    expect(isSameResult(deleted, undefined)).toBe(false);
  });
});

describe('two logs', () => {
  const configuration = { voters: ['a', 'b'], votersOutgoing: [], learners: [] };
  const coreOf = (id: string, text: string): Raft => {
    const entries: Entry[] = [{ index: 1, term: 1, kind: 'command', data: bytes(text) }];
    const hardState = { term: 1, votedFor: undefined, commitIndex: 0 };
    const stored = { snapshot: undefined, compactedIndex: 0, compactedTerm: 0, hardState, entries, configuration };
    return new Raft({ id, seed: 1 }, stored);
  };
  const compare = (one: string, two: string) => (): void => {
    const checks = new ClusterChecks(new Canon({}));
    const [a, b] = [
      { name: 'a', holds: () => true },
      { name: 'b', holds: () => true },
    ];
    checks.checkLog(a, coreOf('a', one));
    checks.checkLog(b, coreOf('b', two));
  };

  it('that hold two entries under one index and term are found out, though these be equally long', () => {
    expect(compare('one', 'one')).not.toThrow();
    expect(compare('one', 'two')).toThrow('two entries');
  });
});

describe('a read that is confirmed', () => {
  const configuration = { voters: ['a'], votersOutgoing: [], learners: [] };
  /** Of a member that leads alone, once it has committed the first entry of its term; `committed`: anywhere, when it is asked. */
  const readWith = (committed: number) => (): void => {
    const core = new Raft(
      { id: 'a', seed: 1 },
      {
        ...{ snapshot: undefined, compactedIndex: 0, compactedTerm: 0, entries: [], configuration },
        hardState: { term: 0, votedFor: undefined, commitIndex: 0 },
      },
    );
    new ConfirmedReads('a', () => committed).watch(core, (check) => check());
    core.step({ type: 'campaign' });
    // Its vote, and then its first entry.
    for (let writes = 0; writes < 2; writes++) {
      core.step({ type: 'persisted', readyNumber: core.takeReady().number });
    }
    core.step({ type: 'readIndex', context: 7 });
    const { readStates } = core.takeReady();
    expect(readStates).toEqual([{ context: 7, index: 1, refused: undefined }]);
  };

  it('shows at least what was committed when it was asked for', () => {
    expect(readWith(0)).not.toThrow();
    expect(readWith(1)).not.toThrow();
    expect(readWith(2)).toThrow('a read of 1 confirmed; committed were 2');
  });
});
