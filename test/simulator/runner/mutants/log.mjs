// Known bugs of the replicated log: what is appended, cut, acknowledged and committed.
const raft = (file) => `packages/raft/src/${file}.ts`;

export const logMutants = {
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
  T5: {
    what: 'entries are written and acknowledged first, their new term in a write after them; a start does not compare the two',
    edits: [
      {
        file: 'packages/replica/src/replica.ts',
        find: 'storage.append({ hardState: ready.hardState, entries: ready.entries }).then(',
        replace: `const { hardState, entries } = ready;
      if (hardState !== undefined) this.newestHardState = hardState;
      const isSplit = hardState !== undefined && entries.length > 0;
      const written = storage.append(isSplit ? { hardState: undefined, entries } : { hardState, entries });
      const later = () => (this.newestHardState === hardState ? storage.append({ hardState, entries: [] }) : undefined);
      if (isSplit) written.then(later).catch((error) => this.#halt(error));
      written.then(`,
      },
      {
        file: raft('initial-state'),
        find: '(termAt(log, lastIndex) ?? 0) <= term,',
        replace: 'true,',
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
    what: 'a follower commits what the leader has committed, as far as its log goes, agreed or not; heartbeats say so too',
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
  T30: {
    what: 'a write that became durable after its entries were cut from the log is taken for their successors (ABA)',
    edits: [
      {
        file: raft('durability'),
        find: 'for (const write of durability.writes) write.lastIndex = Math.min(write.lastIndex, from - 1);',
        replace: '',
      },
    ],
  },
  T36: {
    what: 'a window of which all messages were lost stays full: a heartbeat that is answered does not make the leader ask',
    edits: [
      {
        file: raft('replication'),
        find: 'if (progress.matchIndex < lastIndexOf(state.log) && progress.pokeTick !== state.tickCount) {',
        replace: 'if (progress.matchIndex < 0) {',
      },
    ],
  },
};
