// Known bugs of Raft implementations, each put back by edits of the text of a source: what to find, exactly once, and what to put in its place. If the source
// has moved on, the bundling fails and says so; the edit is then written anew.

const raft = (file) => `packages/raft/src/${file}.ts`;

export const mutants = {
  T1: {
    what: 'entries of older terms are committed by counting (Figure 3.7)',
    edits: [
      {
        file: raft('commit'),
        find: 'if (reached > state.commitIndex && termAt(state.log, reached) === state.term) commitTo(state, reached);',
        replace: 'if (reached > state.commitIndex) commitTo(state, reached);',
      },
    ],
  },
  T3: {
    what: 'the longer log wins a vote, whatever its last term',
    edits: [
      {
        file: raft('log'),
        find: 'return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= lastIndexOf(log));',
        replace: 'return lastIndex >= lastIndexOf(log);',
      },
    ],
  },
  T4: {
    what: 'a vote is granted before it is durable',
    edits: [
      {
        file: raft('election'),
        find: "hold(state, { type: 'voteResponse', from: state.id, to: message.from, term: state.term, granted });",
        replace: "send(state, { type: 'voteResponse', from: state.id, to: message.from, term: state.term, granted });",
      },
    ],
  },
  T6: {
    what: 'an append cuts the log where it begins, without a conflict',
    edits: [
      {
        file: raft('follow'),
        find: 'while (fresh < entries.length && isHeld(state, entries[fresh]!)) fresh++;',
        replace: 'while (fresh < entries.length && entries[fresh]!.index <= state.commitIndex) fresh++;',
      },
    ],
  },
  T7: {
    what: 'a follower commits what the leader has committed, as far as its log goes, agreed or not',
    edits: [
      {
        file: raft('follow'),
        find: 'commitTo(state, Math.min(message.leaderCommit, acknowledgement.verifiedIndex));',
        replace: 'commitTo(state, Math.min(message.leaderCommit, lastIndexOf(state.log)));',
      },
      {
        file: raft('replication'),
        find: 'commitIndex: Math.min(progress.matchIndex, state.commitIndex),',
        replace: 'commitIndex: state.commitIndex,',
      },
    ],
  },
  T14: {
    what: 'a new leader answers reads before it has committed an entry of its own term',
    edits: [
      {
        file: raft('read-index'),
        find: "return state.role !== 'leader' || hasCommittedInTerm(state);",
        replace: 'return true;',
      },
    ],
  },
  T25: {
    what: 'a member with an empty disk is taken back under its old name',
    edits: [
      {
        file: 'packages/server/src/founding.ts',
        find: 'if (noted !== undefined && noted !== peer.storeId) {',
        replace: 'if (noted !== undefined && peer.storeId === undefined) {',
      },
    ],
  },
  T29: {
    what: 'the leader counts and applies its own entries before they are durable',
    edits: [
      {
        file: raft('commit'),
        find: 'if (id === state.id) return state.durability.persistedIndex;',
        replace: 'if (id === state.id) return lastIndexOf(state.log);',
      },
      {
        file: raft('commit'),
        find: 'handedOutIndex < Math.min(state.commitIndex, state.durability.persistedIndex) &&',
        replace: 'handedOutIndex < state.commitIndex &&',
      },
      {
        file: raft('commit'),
        find: '    Math.min(state.commitIndex, state.durability.persistedIndex),\n    { maxEntries',
        replace: '    state.commitIndex,\n    { maxEntries',
      },
    ],
  },
};
