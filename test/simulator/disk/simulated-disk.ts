// The disk of one member across its lives: the MemoryDisk of storage, with the time that its operations take, and faults that strike one of them: the
// process dies before or after it, a sync fails or is held up. What a crash leaves of unsynced writes is MemoryDisk's business. It has a fence, as that of a tab has:
// once another process has taken it over, the one before can write nothing to it.
import { MemoryDisk } from '@raftkv/storage';
import type { CrashPolicy, Disk, DiskOperation } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { Process } from '../world/process.ts';
import { ProvenWrites } from './proven-writes.ts';
import type { Span } from './proven-writes.ts';
import type { Random } from '../world/random.ts';

export interface DiskWeather {
  /** Of a sync, in milliseconds. */
  readonly meanSyncLatency: number;
  /** Share of syncs that take fifty times as long. */
  readonly slowShare: number;
}

/** For each caller one of its own: a promise that is shared would keep whoever ever waited for it. */
const never = (): Promise<never> => new Promise<never>(() => undefined);

export class SimulatedDisk {
  readonly #random: Random;
  readonly #weather: DiskWeather;
  #disk: MemoryDisk;
  /** Times the usual latency. */
  slowness = 1;
  /** Syncs that begin before this moment end after it. */
  stalledUntil = 0;
  /** The next sync fails. */
  failsNextSync = false;
  /** Operations until the process dies, at one of them. */
  #operationsLeft = Infinity;
  #onCrashPoint: () => void = () => undefined;
  #isCalm = false;
  /** How to bring forward what is under way. */
  readonly #underWay = new Set<() => void>();
  /** The process is about to die at an operation, which never ends. */
  isStruck = false;
  /** Told when the file of a snapshot is being synced: soon it takes its place. */
  onSnapshotWritten: () => void = () => undefined;
  operations = 0;
  #proven = new ProvenWrites();
  /** Whose it is. */
  #owner: Process | undefined;

  constructor(label: string, random: Random, weather: DiskWeather) {
    this.#random = random;
    this.#weather = weather;
    this.#disk = new MemoryDisk(label);
  }

  /** For the next life of the member: only its process gets answers. */
  mount(process: Process): Disk {
    const disk = this.#disk;
    this.#owner = process;
    disk.intercept = (operation) => this.#strike(operation, process);
    return disk;
  }

  /** The storage was opened. */
  opened(): void {
    this.#proven.opened();
  }

  /** The member's process dies in the midst of one of the operations to come. */
  crashAfter(operations: number, crash: () => void): void {
    this.#operationsLeft = operations;
    this.#onCrashPoint = crash;
  }

  /** What a restart finds. */
  crash(policy: CrashPolicy): void {
    this.#underWay.clear();
    this.#operationsLeft = Infinity;
    this.isStruck = false;
    this.failsNextSync = false;
    this.#proven.crash();
    this.#disk = this.#disk.crash(policy, this.#random.uint32());
  }

  /** No faults from now on: what a slow disk holds up, which may be minutes, is done soon too. */
  calm(): void {
    this.#isCalm = true;
    for (const hasten of this.#underWay) hasten();
  }

  /** The process that has it goes on, or thinks so; the next one finds all that it has written. */
  takeOver(): void {
    this.#owner = undefined;
    this.#operationsLeft = Infinity;
    this.isStruck = false;
    this.failsNextSync = false;
    this.#proven.crash();
    this.#disk = this.#disk.crash('kept');
  }

  /** As a crash would leave it now. */
  copy(policy: CrashPolicy, seed: number): MemoryDisk {
    return this.#disk.crash(policy, seed);
  }

  /** A copy in its place. */
  putBack(copy: MemoryDisk): void {
    this.#disk = copy.crash('kept');
    this.#proven = new ProvenWrites();
  }

  /** Another, empty disk in its place. */
  replace(): void {
    this.#disk = new MemoryDisk(this.#disk.label);
    this.#proven = new ProvenWrites();
  }

  /** Parts of the log that it cannot do without: later ones tell that they were durable. */
  get proven(): readonly Span[] {
    return this.#proven.spans;
  }

  /** The bytes of a file as they are on the disk of a member that is down; to be damaged. */
  peek(name: string): Uint8Array | undefined {
    return this.#disk.peek(name);
  }

  names(): Promise<readonly string[]> {
    this.#disk.intercept = undefined;
    return this.#disk.list();
  }

  #strike(operation: DiskOperation, process: Process): void | Promise<void> {
    if (!process.isAlive) return never();
    if (isWriting(operation)) this.#expectOwner(process);
    this.operations += 1;
    this.#operationsLeft -= 1;
    if (this.#operationsLeft === 0) {
      this.isStruck = true;
      process.after(0, this.#onCrashPoint);
      return never();
    }
    if (operation.type === 'write') this.#proven.written(operation);
    if (operation.type === 'sync' && operation.name.startsWith('snapshot-')) this.onSnapshotWritten();
    if (operation.type !== 'sync' && operation.type !== 'syncDirectory' && operation.type !== 'rename')
      return undefined;
    if (this.failsNextSync && operation.type === 'sync') {
      this.failsNextSync = false;
      throw new RaftkvError('storage_failed', `sync of ${operation.name} failed: EIO`);
    }
    const synced = operation.type === 'sync' ? this.#proven.syncing(operation.name) : undefined;
    return new Promise((resolve, reject) => {
      this.#later(process, this.#latency(process), () => {
        try {
          this.#expectOwner(process);
        } catch (error) {
          return reject(error as RaftkvError);
        }
        synced?.();
        resolve();
      });
    });
  }

  /** The fence: what a process writes counts only if nobody has taken over by the time that it is told so. */
  #expectOwner(process: Process): void {
    if (this.#owner !== process) throw new RaftkvError('storage_locked', `${this.#disk.label} was taken over`);
  }

  /** What a storage of a tab can be asked: whether it is still this process's, as of a moment after the call. */
  proveOwner(process: Process): Promise<void> {
    if (!process.isAlive) return never();
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          this.#expectOwner(process);
          process.after(0, resolve);
        } catch (error) {
          reject(error as RaftkvError);
        }
      };
      this.#later(process, this.#latency(process) / 4, look);
    });
  }

  #later(process: Process, milliseconds: number, done: () => void): void {
    const finish = (): void => {
      this.#underWay.delete(hasten);
      done();
    };
    const cancel = process.after(milliseconds, finish);
    const hasten = (): void => {
      cancel();
      process.after(this.#weather.meanSyncLatency, finish);
    };
    this.#underWay.add(hasten);
  }

  #latency(process: Process): number {
    const { meanSyncLatency, slowShare } = this.#weather;
    if (this.#isCalm) return meanSyncLatency;
    let latency = this.#random.exponential(meanSyncLatency) * this.slowness;
    if (slowShare > 0 && this.#random.chance(slowShare)) latency *= 50;
    return Math.max(latency, this.stalledUntil - process.worldNow);
  }
}

function isWriting({ type }: DiskOperation): boolean {
  return type !== 'read' && type !== 'size' && type !== 'list' && type !== 'open' && type !== 'close';
}
