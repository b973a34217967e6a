// Known bugs of clients that retry, and of the table of sessions that makes it harmless.
export const clientMutants = {
  T46: {
    what: 'writes carry no session, and are tried again all the same',
    edits: [
      {
        file: 'packages/client/src/session.ts',
        find: 'const bytes = encodeCommand({ session, command }, this.#encoding);',
        replace: 'const bytes = encodeCommand({ session: undefined, command }, this.#encoding);',
      },
      {
        file: 'packages/client/src/session.ts',
        find: 'command: restampCommand(command, stamp, this.#encoding)',
        replace: 'command',
      },
    ],
  },
  'T46, evicted': {
    what: 'a write whose session was evicted goes on under a new one, though it may have happened',
    edits: [
      {
        file: 'packages/client/src/session.ts',
        find: 'if (call.mayHaveHappened || call.restamps >= maxRestamps) return false;',
        replace: 'if (call.restamps >= maxRestamps) return false;',
      },
    ],
  },
  T48: {
    what: 'snapshots leave out the table of sessions',
    edits: [
      {
        file: 'packages/kv/src/snapshot.ts',
        find: 'sessions: table.freeze(),',
        replace: 'sessions: [],',
      },
    ],
  },
  'T44, previous': {
    what: 'a watch tells what was before some revisions earlier',
    edits: [
      {
        file: 'packages/kv/src/change-log.ts',
        find: 'const previous = hasPrevious ? record.previous?.entry : undefined;',
        replace: 'const previous = hasPrevious ? (record.previous?.previous ?? record.previous)?.entry : undefined;',
      },
    ],
  },
};
