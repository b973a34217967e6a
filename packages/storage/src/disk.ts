// The little that file storage needs of a disk: one flat directory of named files. `node/disk.ts` is the real one,
// `memory-disk.ts` one that forgets what was not synced. Formats and recovery live above it and know no runtime.

/** One open file. Methods reject with a `storage_*` RaftkvError that names the file and the operation. */
export interface DiskFile {
  readonly name: string;
  size(): Promise<number>;
  /** Fills `target` from `offset`; returns how many bytes there were, fewer than asked only at the end of the file. */
  read(offset: number, target: Uint8Array): Promise<number>;
  /** Writes all of `bytes` or rejects. They may be lost until `sync` resolves. `bytes` must not change meanwhile. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Everything written before is durable. */
  sync(): Promise<void>;
  /** `write` and `sync` in one step; the log's hot path. */
  writeDurable(offset: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A directory. A name that was created, renamed or removed is certain only after `syncDirectory`. */
export interface Disk {
  /** Where this is, for messages: a path. */
  readonly label: string;
  list(): Promise<readonly string[]>;
  /** A new empty file, open for writing; an old one of that name is emptied. */
  create(name: string): Promise<DiskFile>;
  open(name: string, access: 'read' | 'write'): Promise<DiskFile>;
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  unlink(name: string): Promise<void>;
  syncDirectory(): Promise<void>;
}

/** The whole of a small file; refuses one larger than `maxBytes` by returning only `maxBytes + 1` of it. */
export async function readWhole(disk: Disk, name: string, maxBytes: number): Promise<Uint8Array> {
  const file = await disk.open(name, 'read');
  try {
    const target = new Uint8Array(Math.min(await file.size(), maxBytes + 1));
    const count = await file.read(0, target);
    return target.subarray(0, count);
  } finally {
    await file.close();
  }
}

/** Writes a small file beside, syncs it, renames it into place and syncs the directory: after a crash the old or the new one is there. */
export async function replaceWhole(disk: Disk, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${name}.tmp`;
  const file = await disk.create(temporary);
  try {
    await file.writeDurable(0, bytes);
  } finally {
    await file.close();
  }
  await disk.rename(temporary, name);
  await disk.syncDirectory();
}
