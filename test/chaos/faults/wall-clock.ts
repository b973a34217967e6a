// The wall clock of one member, which can be made to jump while it runs: libfaketime in front of the C library, with its offset in a file that
// it looks at again each second. Monotonic time goes on as it is, as it would on a machine whose clock is set.
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class WallClock {
  private readonly file: string;
  private readonly library: string;
  offsetSeconds = 0;

  constructor(file: string) {
    const library = findLibrary();
    if (library === undefined) throw new Error('no libfaketime');
    this.file = file;
    this.library = library;
    this.jump(0);
  }

  /** Why there can be none here; undefined if there can. */
  static obstacle(): string | undefined {
    return findLibrary() === undefined ? 'no libfaketime: apt-get install faketime' : undefined;
  }

  get wrapper(): readonly string[] {
    return [
      'env',
      `LD_PRELOAD=${this.library}`,
      `FAKETIME_TIMESTAMP_FILE=${this.file}`,
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
      'FAKETIME_CACHE_DURATION=1',
    ];
  }

  /** How far it is from the true time, from now on. */
  jump(offsetSeconds: number): void {
    this.offsetSeconds = offsetSeconds;
    writeFileSync(this.file, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}s\n`);
  }
}

function findLibrary(): string | undefined {
  for (const parent of ['/usr/lib', '/usr/lib64', '/usr/local/lib']) {
    for (const folder of ['', ...foldersOf(parent)]) {
      const place = path.join(parent, folder, 'faketime');
      const found = foldersOf(place, 'files').find((name) => name.startsWith('libfaketimeMT.so'));
      if (found !== undefined) return path.join(place, found);
    }
  }
  return undefined;
}

function foldersOf(parent: string, kind: 'folders' | 'files' = 'folders'): string[] {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((one) => kind === 'files' || one.isDirectory())
      .map((one) => one.name);
  } catch {
    return [];
  }
}
