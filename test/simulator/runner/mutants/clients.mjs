// Known bugs of clients that retry, and of the table of sessions that makes it harmless.
export const clientMutants = {
  T46: {
    what: 'writes carry no session, and are tried again all the same',
    edits: [
      {
        file: 'packages/client/src/session.ts',
        find: 'const bytes = this.#encode(command, { clientId: this.#clientId, sequence, ackFloor: this.#floor });',
        replace: 'const bytes = this.#encode(command, undefined);',
      },
      {
        file: 'packages/client/src/session.ts',
        find: 'const command = restampCommand(message.command, stamp, this.#encoding);',
        replace: 'const { command } = message;',
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
