// Known bugs of linearizable reads.
export const readMutants = {
  T14: {
    what: 'a new leader answers reads before it has committed an entry of its own term',
    edits: [
      {
        file: 'packages/raft/src/read-index.ts',
        find: "return state.role !== 'leader' || hasCommittedInTerm(state);",
        replace: 'return true;',
      },
    ],
  },
  T15: {
    what: 'rounds of reads share one token: a late answer to the heartbeat of an earlier round confirms a later one',
    edits: [
      {
        file: 'packages/raft/src/read-index.ts',
        find: 'const token = ++reads.lastToken;',
        replace:
          'const token = (reads.lastToken = Math.max(1, reads.lastToken));\n  for (const progress of state.followers) progress.ackedToken = 0;',
      },
    ],
  },
  T18: {
    what: 'a read is answered once its index is confirmed, however far this member has applied',
    edits: [
      {
        file: 'packages/replica/src/reads.ts',
        find: 'if (group.index <= appliedIndex) this.#finish(group, undefined);\n    else this.#confirmed.push(group);',
        replace: 'this.#finish(group, undefined);',
      },
    ],
  },
};
