// Bugs of the copies beside apps that would break what is promised of their reads. They are named after the promise.
const file = 'packages/observer/src/replica-kv.ts';

export const observerMutants = {
  'observers, linearizable': {
    what: 'an observer asks for the revision of a linearizable read, and does not wait until its copy has come to it',
    edits: [
      {
        file,
        find: 'await observer.whenAt(revision, { timeoutMilliseconds, signal });',
        replace: "if (level === 'session') await observer.whenAt(revision, { timeoutMilliseconds, signal });",
      },
    ],
  },
  'observers, session': {
    what: 'a session read through an observer waits for what it has shown, and not for what its caller has written',
    edits: [
      {
        file,
        find: "level === 'session' ? client.revision :",
        replace: "level === 'session' ? observer.shownRevision :",
      },
    ],
  },
  'observers, local': {
    what: 'what a local read through an observer found first is what later ones find',
    edits: [
      {
        file,
        find: 'return this.#source.entryOf(copy.get(found)) as Entry<T, K> | undefined;',
        replace:
          "const first = (this.first ??= new Map());\n    if (options.level === 'local' && !first.has(found)) first.set(found, copy.get(found));\n    return this.#source.entryOf(options.level === 'local' ? first.get(found) : copy.get(found)) as Entry<T, K> | undefined;",
      },
    ],
  },
};
