// Well-typed but senseless messages, in any order, from anybody: nothing may throw, and the state must stay whole. What no
// member can be protected from is a leader that lies consistently; what is checked here is that it cannot break the program.
import { Member, bytesOf } from './member.ts';
import { describe, expect, it } from 'vitest';
import type { Entry, Message } from '../src/index.ts';
import fc from 'fast-check';

const peer = fc.constantFrom('a', 'b', 'c', 'z');
const small = fc.nat(6);
const number = fc.oneof(
  { weight: 8, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 40, Number.MAX_SAFE_INTEGER) },
);
const flag = fc.boolean();
const entries: fc.Arbitrary<Entry[]> = fc
  .record({ first: small, terms: fc.array(fc.nat(4), { maxLength: 4 }), gap: fc.nat(9) })
  .map(({ first, terms, gap }) =>
    terms.map((term, i) => ({
      index: first + i + (gap === 0 && i > 1 ? 1 : 0),
      term,
      kind: 'command',
      data: bytesOf('x'),
    })),
  );
const configuration = fc.record({
  voters: fc.subarray(['a', 'b', 'c', 'd']),
  votersOutgoing: fc.oneof(fc.constant([]), fc.subarray(['a', 'd'])),
  learners: fc.constantFrom([], ['a'], ['e']),
});
const meta = fc.record({ lastIncludedIndex: number, lastIncludedTerm: small, configuration });
const someTerm = fc.oneof({ weight: 40, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: number });
const envelope = { from: peer, to: fc.constantFrom('a', 'a', 'a', 'a', 'b'), term: someTerm };

function messageOf<T extends Message['type']>(
  type: T,
  fields: { [K in keyof Omit<Extract<Message, { type: T }>, 'type' | 'from' | 'to' | 'term'>]: fc.Arbitrary<unknown> },
): fc.Arbitrary<Message> {
  return fc.record({ type: fc.constant(type), ...envelope, ...fields }) as unknown as fc.Arbitrary<Message>;
}

const maybe = fc.option(number, { nil: undefined });
const reason = fc.constantFrom(undefined, 'no-leader', 'busy', 'stopped');
const message = fc.oneof(
  messageOf('preVoteRequest', { lastIndex: number, lastTerm: number }),
  messageOf('preVoteResponse', { granted: flag }),
  messageOf('voteRequest', { lastIndex: number, lastTerm: number }),
  messageOf('voteResponse', { granted: flag }),
  messageOf('appendRequest', { prevLogIndex: number, prevLogTerm: small, leaderCommit: number, entries }),
  messageOf('appendResponse', {
    success: flag,
    matchIndex: number,
    rejectedIndex: number,
    conflictIndex: number,
    conflictTerm: number,
  }),
  messageOf('heartbeatRequest', { commitIndex: number, readToken: number }),
  messageOf('heartbeatResponse', { readToken: number }),
  messageOf('installSnapshotRequest', { meta, offset: small, data: fc.uint8Array({ maxLength: 3 }), done: flag }),
  messageOf('installSnapshotResponse', { lastIncludedIndex: number, offset: number, done: flag, failed: flag }),
  messageOf('readIndexRequest', { requestId: number }),
  messageOf('readIndexResponse', { requestId: number, index: maybe }),
  messageOf('proposeRequest', {
    requestId: number,
    proposals: fc.array(fc.uint8Array({ maxLength: 2 }), { maxLength: 3 }),
  }),
  messageOf('proposeResponse', { requestId: number, accepted: number, firstIndex: number, entryTerm: number, reason }),
);

type Deed =
  | { readonly deed: 'receive'; readonly message: Message }
  | {
      readonly deed:
        | 'ticks'
        | 'pump'
        | 'persist'
        | 'readChunk'
        | 'campaign'
        | 'elect'
        | 'unreachable'
        | 'propose'
        | 'read'
        | 'restart';
    }
  | { readonly deed: 'writeChunk'; readonly ok: boolean };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 12, arbitrary: message.map((m) => ({ deed: 'receive' as const, message: m })) },
  {
    weight: 8,
    arbitrary: fc.constantFrom<Deed>(
      ...(
        [
          'ticks',
          'pump',
          'persist',
          'persist',
          'readChunk',
          'campaign',
          'elect',
          'unreachable',
          'propose',
          'read',
          'restart',
        ] as const
      ).map((name) => ({ deed: name })),
    ),
  },
  { weight: 1, arbitrary: flag.map((ok) => ({ deed: 'writeChunk' as const, ok })) },
);

function perform(member: Member, act: Deed): void {
  switch (act.deed) {
    case 'receive':
      return member.step({ type: 'receive', message: act.message });
    case 'ticks':
      for (let i = 0; i < 4; i++) member.step({ type: 'tick' });
      return;
    case 'campaign':
      return member.step({ type: 'campaign' });
    case 'pump':
      return member.pump();
    case 'persist':
      return member.persistOne();
    case 'readChunk':
      return member.readChunk();
    case 'writeChunk':
      // Only failures: a stranger's bytes are no state machine.
      return member.pendingChunks.length > 0 ? member.writeChunk(false) : undefined;
    case 'unreachable':
      return member.step({ type: 'unreachable', peer: 'b' });
    case 'propose':
      return member.step({ type: 'propose', context: 1, data: bytesOf('p') });
    case 'read':
      return member.step({ type: 'readIndex', context: 1 });
    case 'restart':
      return member.restart(5);
    case 'elect':
      return elect(member);
  }
}

/** So that a leader, too, is spoken to: lets the others agree to whatever this member asks. */
function elect(member: Member): void {
  member.step({ type: 'campaign' });
  member.pump();
  const { term } = member.raft.status();
  member.step({
    type: 'receive',
    message: { type: 'preVoteResponse', from: 'b', to: 'a', term: term + 1, granted: true },
  });
  while (member.pendingWrites.length > 0 || member.raft.hasReady()) {
    member.pump();
    member.persistOne();
  }
  member.step({
    type: 'receive',
    message: { type: 'voteResponse', from: 'b', to: 'a', term: term + 1, granted: true },
  });
}

describe('hostile content', () => {
  it('never throws, and leaves the state whole', () => {
    const roles = new Set<string>();
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 60 }), (deeds) => {
        const member = new Member(
          {
            id: 'a',
            seed: 3,
            electionTimeoutTicks: 5,
            maxInflightMessages: 2,
            maxAppendEntries: 2,
            snapshotChunkBytes: 2,
          },
          { voters: ['a', 'b', 'c'], votersOutgoing: [], learners: [] },
        );
        for (const act of deeds) {
          perform(member, act);
          roles.add(member.raft.status().role);
        }
        member.pump();
      }),
      { seed: 20, numRuns: 1500 },
    );
    expect([...roles].toSorted()).toEqual(['candidate', 'follower', 'leader', 'preCandidate']);
  });
});
