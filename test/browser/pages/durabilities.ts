// What a page asks of its databases when it writes: which of them are told to force it to the medium before they say that it is done. Pages load it; suites look.

/** Of transactions that write, since the page was loaded: the database and what was asked for. */
const asked = new Set<string>();

export function watchDurabilities(): void {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...words) {
    const [, mode, options] = words;
    // Names of one room or another are none of a suite's business.
    const kind = this.name.replace(/room\.[0-9a-f]+(?:\.\d+)?/, 'room');
    if (mode === 'readwrite') asked.add(`${kind}: ${options?.durability}`);
    return transaction.apply(this, words);
  };
}

export const durabilities = (): string[] => [...asked].toSorted();
