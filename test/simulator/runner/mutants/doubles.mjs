// Bugs of who is there twice: a process whose disk another one has taken over, and copies of disks.

export const doubleMutants = {
  'doubles, fence': {
    what: 'a process whose disk another one took over goes on writing, and acknowledging, as if it were there alone',
    edits: [
      {
        file: 'test/simulator/disk/simulated-disk.ts',
        find: 'if (this.#owner !== process) throw',
        replace: 'if (process.isGone) throw',
      },
    ],
  },
  'doubles, incarnation': {
    what: 'a start of a storage is let in, whatever start of it was met before',
    edits: [
      {
        file: 'packages/server/src/met-boots.ts',
        find: 'if (known !== undefined && !isSuccessor(known, incarnation)) throw',
        replace: 'if (known !== undefined && incarnation.bootCount === 0) throw',
      },
    ],
  },
  'doubles, count alone': {
    what: 'starts of a storage are counted, and no draws compared: a copy that is started as often is let in',
    edits: [
      {
        file: 'packages/server/src/incarnation.ts',
        find: 'return drawn === undefined ? ago > 0 : drawn === known.draw;',
        replace: 'return drawn !== known.bootCount;',
      },
    ],
  },
  'doubles, not durable': {
    what: 'which start was met is not noted before the channel opens, and so is forgotten in a crash',
    edits: [
      {
        file: 'packages/server/src/met-boots.ts',
        find: 'this.#writing = this.#writing.then(() => this.#options.storage.setNote(noteName, bytes));',
        replace: 'void bytes;',
      },
    ],
  },
  'doubles, reads': {
    what: 'what speaks for a read is said without a look at whose the storage is by then',
    edits: [
      {
        file: 'packages/replica/src/vouching.ts',
        find: 'this.#storage.proveOwner!().then(',
        replace: 'Promise.resolve().then(',
      },
    ],
  },
};
