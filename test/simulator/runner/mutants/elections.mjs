// Known bugs of elections: who votes for whom, who may lead, and for how long.
const raft = (file) => `packages/raft/src/${file}.ts`;

export const electionMutants = {
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
  T8: {
    what: 'who is asked for a pre-vote enters the term that it is asked about',
    edits: [
      {
        file: raft('step'),
        find: 'return !isLeaderFresh(state);',
        replace:
          'if (isLeaderFresh(state)) return false;\n      becomeFollower(state, message.term, undefined);\n      return true;',
      },
    ],
  },
  'T8, silence': {
    what: 'a pre-vote of an older term is not answered, so that its sender never learns of the newer one',
    edits: [{ file: raft('step'), find: 'return refusePreVote(state, message);', replace: 'return;' }],
  },
  'T8, stale leader': {
    what: 'who asks for pre-votes goes on believing in the leader that it no longer hears',
    edits: [
      {
        file: raft('role'),
        find: "changeRole(state, 'preCandidate', undefined);",
        replace: "changeRole(state, 'preCandidate', state.leaderId);",
      },
    ],
  },
  T9: {
    what: 'what a leader of an older term sends is ignored, so that a member that is stuck in a newer one is never released',
    edits: [
      {
        file: raft('step'),
        find: "  switch (message.type) {\n    case 'appendRequest':\n      return reject(state, message);",
        replace:
          "  if (isFromLeader(message)) return;\n  switch (message.type) {\n    case 'appendRequest':\n      return reject(state, message);",
      },
    ],
  },
  T10: {
    what: 'a leader that no quorum answers goes on leading, and whoever hears it elects nobody else (no check-quorum)',
    edits: [
      {
        file: raft('election'),
        find: 'const isHeard = isQuorum(state.configuration, (id) => id === state.id || isActive(state, id));',
        replace: 'const isHeard = true;',
      },
    ],
  },
};
