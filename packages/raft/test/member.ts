// A driver for one member in tests: a disk that keeps only what was persisted, a state machine that is a list of commands,
// and every duty of ready.ts as a separate act, so that a scenario or a simulation decides when each is done. Each
// input is followed by the whole-state checks, and hasReady is held to its word.
import {
  type Configuration,
  type ConfigurationCodec,
  type Entry,
  type HardState,
  type Input,
  type Message,
  type ProposalResult,
  Raft,
  type RaftOptions,
  type ReadState,
  type Ready,
  type SnapshotMeta,
  type SnapshotRead,
  type SnapshotWrite,
  type TransferResult,
} from '../src/index.ts';
import { captureState, checkState, checkTransition } from '../src/invariants.ts';

export interface DiskSnapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

export interface Disk {
  hardState: HardState | undefined;
  entries: Entry[];
  compactedIndex: number;
  compactedTerm: number;
  snapshot: DiskSnapshot | undefined;
}

interface PendingWrite {
  readonly number: number;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

export interface AppliedEntry {
  readonly index: number;
  readonly term: number;
  readonly text: string;
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A codec of configurations that can be read in a trace. */
export const jsonCodec: ConfigurationCodec = {
  encode: (configuration) => bytesOf(JSON.stringify(configuration)),
  decode: (data) => JSON.parse(textOf(data)) as Configuration,
};

export function emptyDisk(): Disk {
  return { hardState: undefined, entries: [], compactedIndex: 0, compactedTerm: 0, snapshot: undefined };
}

export class Member {
  readonly id: string;
  readonly disk: Disk;
  readonly #options: RaftOptions;
  /** What it starts with as long as snapshot and log do not say otherwise, and as of which index that is certain (0: a founder). */
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  raft: Raft;
  /** The state machine: every command applied, snapshots included. */
  applied: AppliedEntry[] = [];
  pendingWrites: PendingWrite[] = [];
  pendingReads: SnapshotRead[] = [];
  pendingChunks: SnapshotWrite[] = [];
  pendingApplies: ({ readonly snapshot: SnapshotMeta } | { readonly entries: readonly Entry[] })[] = [];
  readStates: ReadState[] = [];
  results: ProposalResult[] = [];
  transferResults: TransferResult[] = [];
  #incoming: Uint8Array[] = [];
  readonly #readers = new Map<string, DiskSnapshot>();
  /** Called with every message that leaves. */
  onMessage: (message: Message) => void = () => {};
  /** Called with every Ready before its messages leave. */
  onReady: (ready: Ready) => void = () => {};

  /** With a `configurationIndex` it is one that joins. */
  constructor(options: RaftOptions, configuration: Configuration, disk: Disk = emptyDisk(), configurationIndex = 0) {
    this.id = options.id;
    this.disk = disk;
    this.#options = options;
    this.configuration = configuration;
    this.configurationIndex = configurationIndex;
    this.raft = this.#load(options.seed);
  }

  /** Loses everything that is not on the disk. */
  restart(seed: number): void {
    this.pendingWrites = [];
    this.pendingReads = [];
    this.pendingChunks = [];
    this.pendingApplies = [];
    this.readStates = [];
    this.results = [];
    this.transferResults = [];
    this.#incoming = [];
    this.#readers.clear();
    this.raft = this.#load(seed);
  }

  step(input: Input): void {
    const before = captureState(this.raft);
    this.raft.step(input);
    checkState(this.raft);
    checkTransition(before, this.raft);
  }

  /** Takes Readys until there is none and files their parts. hasReady must have been right each time, both ways. */
  pump(): void {
    for (;;) {
      const isExpected = this.raft.hasReady();
      const before = captureState(this.raft);
      const ready = this.raft.takeReady();
      checkState(this.raft);
      checkTransition(before, this.raft);
      if (isIdle(ready) === isExpected) throw new Error(`${this.id}: hasReady said ${isExpected}`);
      if (!isExpected) return;
      this.#file(ready);
    }
  }

  /** Makes the oldest write durable and says so. */
  persistOne(): void {
    const write = this.pendingWrites.shift();
    if (write === undefined) return;
    this.#write(write);
    this.step({ type: 'persisted', readyNumber: write.number });
  }

  /** Makes the oldest writes durable, but the core never hears of it: a crash follows. */
  persistSilently(count: number): void {
    for (const write of this.pendingWrites.splice(0, count)) this.#write(write);
  }

  applyOne(): void {
    const item = this.pendingApplies.shift();
    if (item === undefined) return;
    if ('snapshot' in item) this.applied = decodeState(this.disk.snapshot!.data);
    else for (const { index, term, data } of item.entries) this.applied.push({ index, term, text: textOf(data) });
    this.step({ type: 'applied', index: this.applied.at(-1)!.index });
  }

  /** Snapshots the state machine and lets the log go but for `keep` entries. */
  compact(keep: number): void {
    const last = this.applied.at(-1);
    if (last === undefined || last.index <= (this.disk.snapshot?.meta.lastIncludedIndex ?? 0)) return;
    const { index: lastIncludedIndex, term: lastIncludedTerm } = last;
    const configuration = this.raft.configurationAt(lastIncludedIndex);
    if (configuration === undefined) return;
    const meta = { lastIncludedIndex, lastIncludedTerm, configuration };
    this.disk.snapshot = { meta, data: encodeState(this.applied) };
    const compactTo = Math.max(lastIncludedIndex - keep, this.disk.compactedIndex);
    this.#compactDisk(compactTo);
    this.step({ type: 'compact', snapshotIndex: lastIncludedIndex, compactTo });
  }

  /** Answers the oldest request for a chunk. */
  readChunk(): void {
    const read = this.pendingReads.shift();
    if (read === undefined) return;
    const { to, meta, offset, maxBytes } = read;
    const { lastIncludedIndex } = meta;
    // A reader stays at the snapshot that it was opened on, whatever is compacted meanwhile.
    if (offset === 0 && this.disk.snapshot !== undefined) this.#readers.set(to, this.disk.snapshot);
    const snapshot = this.#readers.get(to);
    const isThere = snapshot?.meta.lastIncludedIndex === lastIncludedIndex;
    const data = isThere ? snapshot.data.subarray(offset, offset + maxBytes) : undefined;
    const done = isThere && offset + maxBytes >= snapshot.data.length;
    this.step({ type: 'snapshotChunk', to, lastIncludedIndex, offset, data, done });
  }

  /** Writes the oldest received chunk. */
  writeChunk(ok = true): void {
    const chunk = this.pendingChunks.shift();
    if (chunk === undefined) return;
    const { meta, offset, data, done } = chunk;
    if (offset === 0) this.#incoming = [];
    if (ok) this.#incoming.push(data);
    if (ok && done) this.#install(chunk);
    const { lastIncludedIndex } = meta;
    this.step({ type: 'snapshotPersisted', lastIncludedIndex, offset: offset + data.length, done, ok });
  }

  get isBusy(): boolean {
    const { pendingWrites, pendingReads, pendingChunks, pendingApplies } = this;
    return pendingWrites.length + pendingReads.length + pendingChunks.length + pendingApplies.length > 0;
  }

  #load(seed: number): Raft {
    const { hardState, entries, snapshot, compactedIndex, compactedTerm } = this.disk;
    this.applied = snapshot === undefined ? [] : decodeState(snapshot.data);
    const raft = new Raft(
      { configurationCodec: jsonCodec, ...this.#options, seed },
      {
        hardState,
        snapshot: snapshot?.meta,
        entries: [...entries],
        compactedIndex,
        compactedTerm,
        configuration: this.configuration,
        configurationIndex: this.configurationIndex,
      },
    );
    checkState(raft);
    return raft;
  }

  #file(ready: Ready): void {
    this.onReady(ready);
    if (ready.entries.length > 0 || ready.hardState !== undefined) {
      if (ready.entries.length > 0 && this.pendingChunks.some((chunk) => chunk.resetLog)) {
        throw new Error(`${this.id}: entries are given to storage while its log is being reset`);
      }
      this.pendingWrites.push({ number: ready.number, hardState: ready.hardState, entries: ready.entries });
    }
    if (ready.snapshot !== undefined) this.pendingApplies.push({ snapshot: ready.snapshot });
    if (ready.committedEntries.length > 0) this.pendingApplies.push({ entries: ready.committedEntries });
    for (const chunk of ready.snapshotWrites) {
      if (chunk.resetLog && this.pendingWrites.some((write) => write.entries.length > 0)) {
        throw new Error(`${this.id}: the log is to be reset while entries are being written`);
      }
      this.pendingChunks.push(chunk);
    }
    this.pendingReads.push(...ready.snapshotReads);
    this.readStates.push(...ready.readStates);
    this.results.push(...ready.proposalResults);
    this.transferResults.push(...ready.transferResults);
    for (const message of ready.messages) this.onMessage(message);
  }

  #write({ hardState, entries }: PendingWrite): void {
    if (hardState !== undefined) this.disk.hardState = hardState;
    if (entries.length === 0) return;
    const keep = entries[0]!.index - this.disk.compactedIndex - 1;
    if (keep < 0 || keep > this.disk.entries.length)
      throw new Error(`${this.id}: a gap on disk before ${entries[0]!.index}`);
    this.disk.entries.length = keep;
    this.disk.entries.push(...entries);
  }

  #compactDisk(compactTo: number): void {
    const dropped = this.disk.entries.splice(0, compactTo - this.disk.compactedIndex);
    if (dropped.length === 0) return;
    this.disk.compactedIndex = compactTo;
    this.disk.compactedTerm = dropped.at(-1)!.term;
  }

  #install({ meta, resetLog }: SnapshotWrite): void {
    const data = new Uint8Array(this.#incoming.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#incoming) {
      data.set(part, at);
      at += part.length;
    }
    this.disk.snapshot = { meta, data };
    if (!resetLog) return;
    this.disk.entries = [];
    this.disk.compactedIndex = meta.lastIncludedIndex;
    this.disk.compactedTerm = meta.lastIncludedTerm;
  }
}

function isIdle(ready: Ready): boolean {
  return (
    ready.hardState === undefined &&
    ready.snapshot === undefined &&
    ready.softState === undefined &&
    ready.configuration === undefined &&
    ready.entries.length === 0 &&
    ready.messages.length === 0 &&
    ready.committedEntries.length === 0 &&
    ready.readStates.length === 0 &&
    ready.proposalResults.length === 0 &&
    ready.transferResults.length === 0 &&
    ready.snapshotReads.length === 0 &&
    ready.snapshotWrites.length === 0
  );
}

function encodeState(applied: readonly AppliedEntry[]): Uint8Array {
  return bytesOf(JSON.stringify(applied));
}

function decodeState(data: Uint8Array): AppliedEntry[] {
  return JSON.parse(textOf(data)) as AppliedEntry[];
}
