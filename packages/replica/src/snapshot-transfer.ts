// Moves the chunks of snapshots between the core and storage, both ways: reads those that the leader's core asks for, writes
// those that a follower's core received, in order. The core asks for one chunk a follower at a time, `pace.ts` bounds the rate; here is only
// I/O. Called by the replica's loop alone.
import type { Input, PeerId, SnapshotRead, SnapshotWrite } from '@raftkv/raft';
import type { SnapshotReader, SnapshotWriter, Storage } from '@raftkv/storage';
import type { Pace } from './pace.ts';
import type { StateMachine, StateMachineRestore } from './state-machine.ts';

/** A snapshot on its way in: to storage and, beside the present state, into the state machine. */
interface Incoming {
  readonly writer: SnapshotWriter;
  readonly restore: StateMachineRestore;
  readonly lastIncludedIndex: number;
  offset: number;
}

export class SnapshotTransfer {
  readonly #storage: Storage;
  readonly #stateMachine: StateMachine;
  readonly #post: (input: Input) => void;
  readonly #fail: (error: unknown) => void;
  readonly #pace: Pace;
  readonly #readers = new Map<PeerId, SnapshotReader>();
  #incoming: Incoming | undefined;
  /** Durable and verified, waiting for the core to say when it takes the state's place. */
  #received: Incoming | undefined;
  /** Reads and writes are carried out one after another, so that a chunk is never written before the one before it. */
  #reading: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(
    storage: Storage,
    stateMachine: StateMachine,
    pace: Pace,
    post: (input: Input) => void,
    fail: (error: unknown) => void,
  ) {
    this.#storage = storage;
    this.#stateMachine = stateMachine;
    this.#pace = pace;
    this.#post = post;
    this.#fail = fail;
  }

  read(request: SnapshotRead): void {
    this.#reading = this.#reading.then(() => this.#read(request)).catch(this.#fail);
  }

  write(request: SnapshotWrite): void {
    this.#writing = this.#writing.then(() => this.#write(request)).catch(this.#fail);
  }

  /** The state came past a snapshot that is half received, by the log: what was built of it is let go. */
  applied(index: number): void {
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.lastIncludedIndex > index) return;
    this.#writing = this.#writing.then(() => this.#abandon(incoming)).catch(this.#fail);
  }

  /** Nobody but these will ask for more chunks: leadership is lost, or a transfer was given up, its follower being removed or brought up by the log. */
  closeReaders(served: ReadonlySet<PeerId> = new Set()): void {
    this.#reading = this.#reading.then(() => this.#closeReaders(served)).catch(this.#fail);
  }

  async #abandon(incoming: Incoming): Promise<void> {
    if (this.#incoming !== incoming) return;
    this.#incoming = undefined;
    await incoming.writer.abort();
  }

  async #closeReaders(served: ReadonlySet<PeerId>): Promise<void> {
    for (const [peer, reader] of this.#readers) {
      if (served.has(peer)) continue;
      this.#readers.delete(peer);
      await reader.close();
    }
  }

  async close(): Promise<void> {
    this.#pace.close();
    await Promise.all([this.#reading, this.#writing]);
    await this.#closeReaders(new Set());
    await this.#incoming?.writer.abort();
    this.#incoming = undefined;
  }

  /** The core made the received snapshot the base of its log: swap the state. Answers its bytes. */
  install(lastIncludedIndex: number): number {
    const received = this.#received;
    if (received?.lastIncludedIndex !== lastIncludedIndex) {
      throw new Error(`snapshot ${lastIncludedIndex} is to be installed, received is ${received?.lastIncludedIndex}`);
    }
    this.#received = undefined;
    received.restore.install();
    return received.offset;
  }

  async #read({ to, meta, offset, maxBytes }: SnapshotRead): Promise<void> {
    await this.#pace.pause();
    let reader = this.#readers.get(to);
    if (reader !== undefined && reader.meta.lastIncludedIndex !== meta.lastIncludedIndex) {
      await reader.close();
      this.#readers.delete(to);
      reader = undefined;
    }
    if (reader === undefined) {
      reader = await this.#storage.openSnapshot();
      if (reader !== undefined) this.#readers.set(to, reader);
    }
    const answer = { type: 'snapshotChunk', to, lastIncludedIndex: meta.lastIncludedIndex, offset } as const;
    if (reader === undefined || reader.meta.lastIncludedIndex !== meta.lastIncludedIndex) {
      // A newer snapshot took its place between the request and now: the core starts over with that one.
      this.#post({ ...answer, data: undefined, done: false });
      return;
    }
    const data = await reader.read(offset, maxBytes);
    this.#pace.spend(data.length);
    const done = offset + data.length >= reader.totalBytes;
    this.#post({ ...answer, data, done });
    if (done) {
      await reader.close();
      this.#readers.delete(to);
    }
  }

  async #write({ meta, offset, data, done, resetLog }: SnapshotWrite): Promise<void> {
    const answer = { type: 'snapshotPersisted', lastIncludedIndex: meta.lastIncludedIndex } as const;
    if (offset === 0) {
      await this.#incoming?.writer.abort();
      this.#incoming = {
        writer: await this.#storage.createSnapshot(meta),
        restore: this.#stateMachine.restore(),
        lastIncludedIndex: meta.lastIncludedIndex,
        offset: 0,
      };
    }
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.lastIncludedIndex !== meta.lastIncludedIndex || incoming.offset !== offset) {
      this.#post({ ...answer, offset: 0, done: false, ok: false });
      return;
    }
    // What the leader sent is checked as a whole before it may replace anything that is durable here (T33, T41).
    if (!tryRestore(incoming.restore, data, done)) {
      this.#incoming = undefined;
      await incoming.writer.abort();
      this.#post({ ...answer, offset: 0, done: false, ok: false });
      return;
    }
    await incoming.writer.write(data);
    incoming.offset += data.length;
    if (done) {
      this.#incoming = undefined;
      await incoming.writer.commit({ resetLog });
      this.#received = incoming;
    }
    this.#post({ ...answer, offset: incoming.offset, done, ok: true });
  }
}

function tryRestore(restore: StateMachineRestore, data: Uint8Array, done: boolean): boolean {
  try {
    restore.write(data);
    if (done) restore.verify();
    return true;
  } catch {
    return false;
  }
}
