// What the lock and the channels of a replica are called, for whoever opens or looks for one: nothing else is said here.

/** Of all that tabs say to each other. */
const talkVersion = 2;

/** What the lock and the channels of a replica are called. Tabs of two versions are two families, each with its holder. */
export function placeOf(replica: string, part: string): string {
  return `raftkv/${replica}/${part}/${talkVersion}`;
}
