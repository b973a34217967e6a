// An outbox's storage in memory: the reference of the contract, and what a page has that may keep nothing. It outlives its openings as a database does, and
// can be stopped before and after each of its steps.
import { RaftkvError } from '@raftkv/wire';
import type { FoundWrite, KeptWrite, OutboxChange, OutboxLane, OutboxStorage, WriteMark } from './outbox-storage.ts';

/** Of a step: it is about to take effect, or has. If it rejects, so does the call. */
export type OutboxStep = (moment: 'before' | 'after', what: string) => Promise<void>;

interface LaneContent {
  token: object;
  readonly writes: Map<number, KeptWrite>;
  readonly marks: Map<number, WriteMark>;
}

export class MemoryOutbox implements OutboxStorage {
  readonly mode: OutboxStorage['mode'];
  #lanes = new Map<string, LaneContent>();
  readonly #step: OutboxStep;

  /** `mode`: what it is said to be. */
  constructor(mode: OutboxStorage['mode'] = 'memory', step: OutboxStep = () => Promise.resolve()) {
    this.mode = mode;
    this.#step = step;
  }

  async lanes(): Promise<readonly string[]> {
    return [...this.#lanes.keys()];
  }

  async take(name: string): Promise<OutboxLane> {
    await this.#step('before', 'take');
    const token = {};
    const lane = this.#lanes.get(name) ?? { token, writes: new Map(), marks: new Map() };
    lane.token = token;
    this.#lanes.set(name, lane);
    const found: FoundWrite[] = [...lane.writes.values()].map((write) => ({
      ...write,
      mark: lane.marks.get(write.number),
    }));
    await this.#step('after', 'take');
    const lanes = this.#lanes;
    const check = (): LaneContent => {
      if (this.#lanes !== lanes) throw new RaftkvError('storage_missing', `lane ${name} was deleted`);
      const present = lanes.get(name);
      if (present?.token !== token) throw new RaftkvError('storage_locked', `lane ${name} was taken over`);
      return present;
    };
    return {
      found,
      commit: async (changes) => {
        const what = changes.map(({ type }) => type).join();
        await this.#step('before', what);
        const content = check();
        for (const change of changes) apply(content, change);
        await this.#step('after', what);
      },
      drop: async () => {
        if (check().writes.size === 0) this.#lanes.delete(name);
      },
    };
  }

  /** All is gone, as when the user clears the data of a site. */
  wipe(): void {
    this.#lanes = new Map();
  }

  close(): void {}
}

function apply({ writes, marks }: LaneContent, change: OutboxChange): void {
  if (change.type === 'mark') {
    marks.set(change.number, change.mark);
    if (change.write !== undefined) writes.set(change.number, change.write);
    return;
  }
  const gone = change.type === 'forget' ? change.number : change.replaces;
  if (gone !== undefined) {
    writes.delete(gone);
    marks.delete(gone);
  }
  if (change.type === 'keep') writes.set(change.write.number, change.write);
}
