// Known bugs of snapshots and disks: what is written in which order, and what a start believes.
export const storageMutants = {
  T28: {
    what: 'the applied index runs ahead of the state while a batch is applied, and a snapshot is taken in between',
    edits: [
      {
        file: 'packages/replica/src/replica.ts',
        find: "    let bytes = 0;\n    for (const entry of entries) {\n      const result = entry.kind === 'command'",
        replace: `    let bytes = 0;
    this.#appliedIndex = entries.at(-1)!.index;
    this.#appliedTerm = entries.at(-1)!.term;
    this.#considerSnapshot();
    for (const entry of entries) {
      const result = entry.kind === 'command'`,
      },
    ],
  },
  T31: {
    what: "the log's mark names a snapshot before its file is durable under its name",
    edits: [
      {
        file: 'packages/storage/src/file-storage.ts',
        find: `      await disk.rename(temporary, snapshotName(number));
      await disk.syncDirectory();
`,
        replace: '',
      },
      {
        file: 'packages/storage/src/file-storage.ts',
        find: '      await this.#writeMark(resetLog);\n',
        replace: `      await this.#writeMark(resetLog);
      await disk.rename(temporary, snapshotName(number));
      await disk.syncDirectory();
`,
      },
    ],
  },
  'T31, release': {
    what: 'the snapshot before it is unlinked before the mark names the new one',
    edits: [
      {
        file: 'packages/storage/src/file-storage.ts',
        find: '      await disk.rename(temporary, snapshotName(number));\n',
        replace: `      await disk.rename(temporary, snapshotName(number));
      if (previous !== undefined) await disk.unlink(snapshotName(previous.number));
`,
      },
      {
        file: 'packages/storage/src/file-storage.ts',
        find: '      if (previous !== undefined) await disk.unlink(snapshotName(previous.number));\n      await disk.syncDirectory();\n    });',
        replace: '      await disk.syncDirectory();\n    });',
      },
    ],
  },
  T33: {
    what: "the state is cleared when the leader's snapshot begins to arrive, not swapped when all of it is verified",
    edits: [
      {
        file: 'packages/server/src/kv-state-machine.ts',
        find: 'const restore = new StoreRestore(this.#options.store);',
        replace:
          'const restore = new StoreRestore(this.#options.store);\n    this.#store = new Store(this.#options.store);',
      },
    ],
  },
  T39: {
    what: 'a damaged record in the midst of the log is taken for a torn tail, and cut with all that follows it',
    edits: [
      {
        file: 'packages/storage/src/segment-scan.ts',
        find: 'return findHeader(bytes, from, salt, missingSequence);',
        replace: 'return undefined;',
      },
    ],
  },
  'T39, torn tail': {
    what: 'a torn tail, never acknowledged, is taken for damage',
    edits: [
      {
        file: 'packages/storage/src/recovery.ts',
        find: 'if (cutBytes > 0) {',
        replace: "if (cutBytes > 0) {\n      throw corrupt(path, active.endOffset, 'a record is unreadable');",
      },
    ],
  },
};
