// Known bugs of membership: who counts, who may come back, and when a change may begin.

export const memberMutants = {
  T16: {
    what: 'whoever answers counts towards the confirmation of a read, whether it votes or not',
    edits: [
      {
        file: 'packages/raft/src/read-index.ts',
        find: `  const confirmed = quorumReached(state.configuration, (id) =>
    id === state.id ? reads.lastToken : (state.progress.get(id)?.ackedToken ?? 0),
  );`,
        replace: `  const acked = [reads.lastToken, ...state.followers.map((progress) => progress.ackedToken)].toSorted((a, b) => b - a);
  const confirmed = acked[Math.floor(state.configuration.voters.length / 2)] ?? 0;`,
      },
    ],
  },
  'T19, one step': {
    what: 'a leader changes any number of voters in one step, without a joint configuration',
    edits: [
      {
        file: 'packages/raft/src/configuration-change.ts',
        find: 'votersOutgoing: isSame ? [] : votersBefore,',
        replace: 'votersOutgoing: [],',
      },
    ],
  },
  'T19, new leader': {
    what: 'a leader starts a change before it has committed an entry of its own term',
    edits: [
      {
        file: 'packages/raft/src/membership.ts',
        find: ' || !hasCommittedInTerm(state)',
        replace: '',
      },
    ],
  },
  T22: {
    what: 'a leader that is on its way out counts itself',
    edits: [
      {
        file: 'packages/raft/src/commit.ts',
        find: 'const reached = quorumReached(state.configuration, (id) => {',
        replace: `const { voters } = state.configuration;
  const counted = voters.includes(state.id) ? voters : [...voters, state.id];
  const reached = quorumReached({ ...state.configuration, voters: counted }, (id) => {`,
      },
    ],
  },
  T25: {
    what: 'a member that lost its disk is taken back under its old identity',
    edits: [
      {
        file: 'packages/server/src/founding.ts',
        find: 'if (known === undefined || known === storeId) return;',
        replace: 'if (known !== null) return;',
      },
      // Nor do founders compare what they have noted.
      {
        file: 'packages/server/src/founding.ts',
        find: 'if ([...this.#durable].every(([id, storeId]) => theirs.get(id) === storeId)) this.#agreedBy.add(peer);',
        replace: 'this.#agreedBy.add(peer);',
      },
    ],
  },
};
