// One lane of kept writes while it is this tab's. What is asked for while a transaction is open goes into the next one together. A write that cannot be kept
// is refused; a mark or a forgetting that cannot be written yet is tried again until it can, since what is on the disk and what was sent must agree.
import { RaftkvError } from '@raftkv/wire';
import type { FoundWrite, KeptWrite, OutboxChange, OutboxLane, WriteMark } from '@raftkv/storage';
import type { KeeperClock } from './options.ts';

const retryMilliseconds = 1_000;

export interface LaneHooks {
  readonly clock: KeeperClock;
  /** The storage refused something, or works again. */
  readonly onTrouble: (error: RaftkvError | undefined) => void;
  /** The lane was deleted from outside: what was in it lives in this page alone. */
  readonly onGone: (error: RaftkvError) => void;
  /** Another tab has it: what is in it is that one's to send. */
  readonly onLost: (error: RaftkvError) => void;
}

interface Wish {
  readonly change: OutboxChange;
  readonly resolve: () => void;
  readonly reject: (error: RaftkvError) => void;
}

export class Lane {
  readonly name: string;
  /** Writes in it, as whoever keeps them counts. */
  count = 0;
  readonly #storage: OutboxLane;
  readonly #hooks: LaneHooks;
  #wishes: Wish[] = [];
  /** Those that failed and are tried again later. */
  #stuck: Wish[] = [];
  #running: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #lastNumber: number;
  /** Another has it, or it cannot be read any more. */
  #failure: RaftkvError | undefined;
  #isGone = false;

  constructor(name: string, storage: OutboxLane, hooks: LaneHooks) {
    this.name = name;
    this.#storage = storage;
    this.#hooks = hooks;
    this.#lastNumber = storage.found.reduce((last, { number }) => Math.max(last, number), 0);
  }

  /** What was in it when it was taken, in order. */
  get found(): readonly FoundWrite[] {
    return this.#storage.found;
  }

  /** Another tab has it. */
  get isLost(): boolean {
    return this.#failure?.code === 'storage_locked';
  }

  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** Rejects with what the storage says. `replaces`: the number of one that goes in the same step. */
  keep(write: KeptWrite, replaces: number | undefined): Promise<void> {
    return this.#ask({ type: 'keep', write, replaces });
  }

  /** Resolves when it is durable, however long that takes; rejects when the lane is another's, or was closed. `write`: it takes its place in the same step. */
  mark(number: number, mark: WriteMark, write?: KeptWrite): Promise<void> {
    return this.#ask({ type: 'mark', number, mark, write });
  }

  /** Likewise. */
  forget(number: number): Promise<void> {
    return this.#ask({ type: 'forget', number });
  }

  /** Its lock was taken. */
  lose(): void {
    this.#fail(new RaftkvError('storage_locked', `lane ${this.name} was taken over by another tab`));
  }

  /** Deletes it, if nothing is in it; nobody need know whether that worked. */
  async drop(): Promise<void> {
    await this.#running;
    if (!this.#isGone && this.#failure === undefined) await this.#storage.drop().catch(() => {});
  }

  /** What was asked for is done, or will not be. */
  async close(): Promise<void> {
    await this.#running;
    this.#fail(new RaftkvError('closed', 'the replica was closed'));
  }

  #ask(change: OutboxChange): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#wishes.push({ change, resolve, reject });
      this.#run();
    });
  }

  #run(): void {
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    while (this.#wishes.length > 0) {
      // Whatever begins in this turn goes together.
      await Promise.resolve();
      const group = marksFirst(this.#wishes.splice(0));
      if ((await this.#commit(group)) !== undefined) await this.#commitEach(group);
    }
    // In the turn that saw the last of them: who asks now begins anew.
    this.#running = undefined;
  }

  /** What frees room goes first; then each by itself, so that one that does not fit takes no other with it. */
  async #commitEach(group: readonly Wish[]): Promise<void> {
    const isFreeing = ({ change }: Wish): boolean => change.type === 'forget';
    const freeing = group.filter(isFreeing);
    const rest = group.filter((each) => !isFreeing(each));
    const gone = goneBy(freeing);
    for (const wish of [...freeing, ...rest]) {
      if (isMarkOf(wish, gone)) {
        wish.resolve();
        continue;
      }
      const error = await this.#commit([wish]);
      if (error === undefined) continue;
      if (wish.change.type === 'keep') wish.reject(error);
      else this.#stuck.push(wish);
      this.#hooks.onTrouble(error);
    }
    this.#retryLater();
  }

  /** Answers what went wrong in passing. */
  async #commit(group: readonly Wish[]): Promise<RaftkvError | undefined> {
    if (!this.#isGone && this.#failure === undefined) {
      try {
        await this.#storage.commit(group.map(({ change }) => change));
        this.#hooks.onTrouble(undefined);
        this.#dropMarks(group);
        // Also where the lane was lost meanwhile: the fence let it pass, so whoever has the lane finds it there.
        for (const { resolve } of group) resolve();
        return undefined;
      } catch (thrown) {
        const error = RaftkvError.from(thrown, 'storage_failed');
        if (error.code === 'storage_missing') this.#vanish(error);
        else if (!['storage_full', 'storage_failed'].includes(error.code)) this.#fail(error);
        else return error;
      }
    }
    for (const { resolve, reject } of group) {
      if (this.#failure === undefined) resolve();
      else reject(this.#failure);
    }
    return undefined;
  }

  /** Of writes that are gone: written later, nothing would ever delete them. */
  #dropMarks(done: readonly Wish[]): void {
    const stuck = this.#stuck;
    if (stuck.length === 0) return;
    const gone = goneBy(done);
    this.#stuck = stuck.filter((wish) => !isMarkOf(wish, gone));
    for (const wish of stuck) if (isMarkOf(wish, gone)) wish.resolve();
  }

  #vanish(error: RaftkvError): void {
    this.#isGone = true;
    this.#hooks.onGone(error);
    for (const { resolve } of this.#stuck.splice(0)) resolve();
  }

  /** What is in it may yet be sent by another. */
  #fail({ code, message, cause }: RaftkvError): void {
    if (this.#failure !== undefined) return;
    const error = new RaftkvError(code, message, { definite: false, cause });
    this.#failure = error;
    this.#cancelRetry?.();
    for (const { reject } of this.#stuck.splice(0)) reject(error);
    if (error.code === 'storage_locked') this.#hooks.onLost(error);
    else if (error.code !== 'closed') this.#hooks.onTrouble(error);
  }

  #retryLater(): void {
    if (this.#stuck.length === 0 || this.#cancelRetry !== undefined) return;
    this.#cancelRetry = this.#hooks.clock.schedule(() => {
      this.#cancelRetry = undefined;
      this.#wishes.push(...this.#stuck.splice(0));
      this.#run();
    }, retryMilliseconds);
  }
}

/** One that is tried again may come after what takes its write away, which it must not bring back. */
function marksFirst(wishes: readonly Wish[]): readonly Wish[] {
  const isMark = ({ change }: Wish): boolean => change.type === 'mark';
  return [...wishes.filter(isMark), ...wishes.filter((wish) => !isMark(wish))];
}

/** The writes that these take away. */
function goneBy(wishes: readonly Wish[]): Set<number> {
  return new Set(
    wishes.flatMap(({ change }) =>
      change.type === 'forget' ? change.number : change.type === 'keep' ? (change.replaces ?? []) : [],
    ),
  );
}

function isMarkOf({ change }: Wish, gone: ReadonlySet<number>): boolean {
  return change.type === 'mark' && gone.has(change.number);
}
