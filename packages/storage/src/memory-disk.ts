// A Disk in memory that knows what was synced and what was not, so that a crash can be played at any operation: unsynced bytes are
// lost, kept, torn or shuffled, and unsynced names likewise. For tests and the simulator; `intercept` fails or stalls any operation.
import { RaftkvError } from '@raftkv/wire';
import type { Disk, DiskFile } from './disk.ts';

export type DiskOperation =
  | { readonly type: 'create' | 'open' | 'unlink' | 'close' | 'sync' | 'size'; readonly name: string }
  | { readonly type: 'read' | 'write'; readonly name: string; readonly offset: number; readonly bytes: number }
  | { readonly type: 'rename'; readonly name: string; readonly to: string }
  | { readonly type: 'list' | 'syncDirectory' };

/**
 * What a crash leaves of changes that were not synced. `lost`: nothing (power cut, unlucky). `kept`: everything (the process
 * was killed). `torn`: a part from the beginning, cut at any byte. `shuffled`: any sectors of any writes, in any order.
 */
export type CrashPolicy = 'lost' | 'kept' | 'torn' | 'shuffled';

interface PendingWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface FileContent {
  live: Uint8Array;
  durable: Uint8Array;
  pending: PendingWrite[];
}

type NameChange =
  | { readonly type: 'link'; readonly name: string; readonly content: FileContent }
  | { readonly type: 'unlink'; readonly name: string }
  | { readonly type: 'rename'; readonly name: string; readonly to: string };

const sectorBytes = 512;

export class MemoryDisk implements Disk {
  readonly label: string;
  /**
   * Called with each operation and its number before it takes effect; throw to make it fail, return a promise to hold it
   * up. A write that fails here has still reached the unsynced part, as on a real disk; a sync has made nothing durable.
   */
  intercept: ((operation: DiskOperation, number: number) => void | Promise<void>) | undefined;
  operations = 0;
  #names = new Map<string, FileContent>();
  #durableNames = new Map<string, FileContent>();
  #pendingNames: NameChange[] = [];

  constructor(label = '/memory') {
    this.label = label;
  }

  /** The disk as a restart finds it after a crash at this moment. This one is left as it is. `seed` decides what is torn or shuffled. */
  crash(policy: CrashPolicy, seed = 1): MemoryDisk {
    const random = makeRandom(seed);
    const names = policy === 'lost' ? 0 : policy === 'kept' ? Infinity : pick(random, this.#pendingNames.length + 1);
    return this.#after(names, (content) => survive(content, policy, random));
  }

  /** What is not synced, for a test that tries every crash: changes of names, and for each file its sectors and bytes. */
  unsynced(): {
    readonly names: number;
    readonly files: readonly { readonly sectors: number; readonly bytes: number }[];
  } {
    const files = this.#dirty().map(({ pending }) => ({
      sectors: pending.reduce((sum, write) => sum + sectorsOf(write).length, 0),
      bytes: pending.reduce((sum, write) => sum + write.bytes.length, 0),
    }));
    return { names: this.#pendingNames.length, files };
  }

  /**
   * The disk after a crash that left the first `names` changes of names and, of the files of `unsynced`, the sectors for which `keep` says so
   * or the first bytes in the order in which they were written.
   */
  crashLeaving(
    names: number,
    keep:
      | { readonly sectors: (file: number, sector: number) => boolean }
      | { readonly bytes: (file: number) => number },
  ): MemoryDisk {
    const dirty = this.#dirty();
    return this.#after(names, (content) => {
      const file = dirty.indexOf(content);
      let bytes: Uint8Array = content.durable.slice();
      let left = 'bytes' in keep ? keep.bytes(file) : 0;
      let sector = 0;
      for (const write of content.pending) {
        if ('bytes' in keep) {
          const part = write.bytes.subarray(0, left);
          left -= part.length;
          if (part.length > 0) bytes = applyWrite(bytes, { offset: write.offset, bytes: part });
        } else {
          for (const part of sectorsOf(write)) if (keep.sectors(file, sector++)) bytes = applyWrite(bytes, part);
        }
      }
      return bytes;
    });
  }

  #dirty(): FileContent[] {
    const linked = this.#pendingNames.flatMap((change) => (change.type === 'link' ? [change.content] : []));
    const all = new Set([...this.#durableNames.values(), ...this.#names.values(), ...linked]);
    return [...all].filter(({ pending }) => pending.length > 0);
  }

  #after(names: number, bytesOf: (content: FileContent) => Uint8Array): MemoryDisk {
    const left = new Map(this.#durableNames);
    for (const change of this.#pendingNames.slice(0, names)) applyName(left, change);
    const after = new MemoryDisk(this.label);
    for (const [name, content] of left) {
      const bytes = bytesOf(content);
      after.#names.set(name, { live: bytes, durable: bytes.slice(), pending: [] });
    }
    after.#durableNames = new Map(after.#names);
    return after;
  }

  /** The bytes of a file as a reader sees them, for tests to look at and to damage; undefined if there is none. */
  peek(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.live;
  }

  async list(): Promise<readonly string[]> {
    await this.#count({ type: 'list' });
    return [...this.#names.keys()];
  }

  async create(name: string): Promise<DiskFile> {
    await this.#count({ type: 'create', name });
    const content: FileContent = { live: new Uint8Array(0), durable: new Uint8Array(0), pending: [] };
    this.#change({ type: 'link', name, content });
    return new MemoryFile(name, content, (operation) => this.#count(operation));
  }

  async open(name: string): Promise<DiskFile> {
    await this.#count({ type: 'open', name });
    return new MemoryFile(name, this.#find(name), (operation) => this.#count(operation));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#count({ type: 'rename', name: from, to });
    this.#find(from);
    this.#change({ type: 'rename', name: from, to });
  }

  async unlink(name: string): Promise<void> {
    await this.#count({ type: 'unlink', name });
    this.#find(name);
    this.#change({ type: 'unlink', name });
  }

  async syncDirectory(): Promise<void> {
    await this.#count({ type: 'syncDirectory' });
    this.#durableNames = new Map(this.#names);
    this.#pendingNames = [];
  }

  #find(name: string): FileContent {
    const content = this.#names.get(name);
    if (content === undefined) throw new RaftkvError('storage_failed', `open of ${this.label}/${name} failed: ENOENT`);
    return content;
  }

  #change(change: NameChange): void {
    applyName(this.#names, change);
    this.#pendingNames.push(change);
  }

  async #count(operation: DiskOperation): Promise<void> {
    this.operations += 1;
    await this.intercept?.(operation, this.operations);
  }
}

class MemoryFile implements DiskFile {
  readonly name: string;
  readonly #content: FileContent;
  readonly #count: (operation: DiskOperation) => Promise<void>;

  constructor(name: string, content: FileContent, count: (operation: DiskOperation) => Promise<void>) {
    this.name = name;
    this.#content = content;
    this.#count = count;
  }

  async size(): Promise<number> {
    await this.#count({ type: 'size', name: this.name });
    return this.#content.live.length;
  }

  async read(offset: number, target: Uint8Array): Promise<number> {
    await this.#count({ type: 'read', name: this.name, offset, bytes: target.length });
    const part = this.#content.live.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const content = this.#content;
    const write = { offset, bytes: bytes.slice() };
    content.live = applyWrite(content.live, write);
    content.pending.push(write);
    await this.#count({ type: 'write', name: this.name, offset, bytes: bytes.length });
  }

  async sync(): Promise<void> {
    const content = this.#content;
    const count = content.pending.length;
    await this.#count({ type: 'sync', name: this.name });
    // What was written while the sync was held up is not covered by it.
    for (const write of content.pending.splice(0, count)) content.durable = applyWrite(content.durable, write);
  }

  async writeDurable(offset: number, bytes: Uint8Array): Promise<void> {
    await this.write(offset, bytes);
    await this.sync();
  }

  async close(): Promise<void> {
    await this.#count({ type: 'close', name: this.name });
  }
}

function applyName(names: Map<string, FileContent>, change: NameChange): void {
  if (change.type === 'link') {
    names.set(change.name, change.content);
  } else if (change.type === 'unlink') {
    names.delete(change.name);
  } else {
    const content = names.get(change.name);
    names.delete(change.name);
    if (content !== undefined) names.set(change.to, content);
  }
}

function applyWrite(content: Uint8Array, { offset, bytes }: PendingWrite): Uint8Array {
  const end = offset + bytes.length;
  let target: Uint8Array = content;
  if (end > content.length) {
    target = new Uint8Array(end);
    target.set(content);
  }
  target.set(bytes, offset);
  return target;
}

function survive(content: FileContent, policy: CrashPolicy, random: () => number): Uint8Array {
  let bytes: Uint8Array = content.durable.slice();
  if (policy === 'kept') {
    for (const write of content.pending) bytes = applyWrite(bytes, write);
  } else if (policy === 'torn' && content.pending.length > 0) {
    const whole = pick(random, content.pending.length);
    for (const write of content.pending.slice(0, whole)) bytes = applyWrite(bytes, write);
    const { offset, bytes: torn } = content.pending[whole]!;
    bytes = applyWrite(bytes, { offset, bytes: torn.subarray(0, pick(random, torn.length + 1)) });
  } else if (policy === 'shuffled') {
    for (const write of content.pending) {
      for (const sector of sectorsOf(write)) if (random() < 0.5) bytes = applyWrite(bytes, sector);
    }
  }
  return bytes;
}

function sectorsOf({ offset, bytes }: PendingWrite): PendingWrite[] {
  const sectors: PendingWrite[] = [];
  for (let from = 0; from < bytes.length;) {
    const length = Math.min(sectorBytes - ((offset + from) % sectorBytes), bytes.length - from);
    sectors.push({ offset: offset + from, bytes: bytes.subarray(from, from + length) });
    from += length;
  }
  return sectors;
}

function pick(random: () => number, count: number): number {
  return Math.floor(random() * count);
}

/** mulberry32: small, and the same everywhere. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
