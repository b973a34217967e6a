// What a confirmed read may not miss (§6.4): nothing that was committed anywhere when its member was asked. Listens at each core for what is asked and what
// is answered, whoever confirms it and however; what clients make of it is the oracle's. Called by member-checks.ts.
import type { Input, Raft } from '@raftkv/raft';
import { recordOf } from '@raftkv/raft/invariants';
import type { Replica } from '@raftkv/replica';
import { Violation } from '../world/violation.ts';

/** Keeps for each open read of one core what was committed when it was asked for. */
export class ConfirmedReads {
  readonly #name: string;
  readonly #committedIndex: () => number;
  readonly #floors = new Map<number, number>();

  /** `committedIndex`: the highest that is committed anywhere by now. */
  constructor(name: string, committedIndex: () => number) {
    this.#name = name;
    this.#committedIndex = committedIndex;
  }

  /**
   * `guard`: what throws inside of production code would be taken for an error of it. `isMember`: of a process whose disk was taken over the core knows nothing of
   * that, and its replica answers nobody; if it did, clients would tell, and members that asked it.
   */
  watch(core: Raft, guard: (check: () => void) => void, isMember: () => boolean = () => true): void {
    const step = core.step.bind(core);
    const takeReady = core.takeReady.bind(core);
    core.step = (input: Input) => {
      if (input.type === 'readIndex') this.#floors.set(input.context, this.#committedIndex());
      step(input);
    };
    core.takeReady = () => {
      const ready = takeReady();
      if (!isMember()) return ready;
      for (const { context, index } of ready.readStates) guard(() => this.#answered(context, index, core));
      return ready;
    };
  }

  /** What readers are told in the end, also by a process whose disk was taken over: then the state here holds all that was committed when they asked. */
  watchReaders(replica: Pick<Replica, 'linearize' | 'appliedIndex'>, guard: (check: () => void) => void): void {
    const linearize = replica.linearize.bind(replica);
    replica.linearize = (callback) => {
      const floor = this.#committedIndex();
      linearize((error) => {
        if (error === undefined) guard(() => this.#told(replica.appliedIndex, floor));
        callback(error);
      });
    };
  }

  #told(appliedIndex: number, floor: number): void {
    if (appliedIndex >= floor) return;
    throw new Violation(
      'confirmed reads miss nothing',
      `${this.#name} tells a reader that ${appliedIndex} is all; committed were ${floor} when it asked`,
    );
  }

  /** T14, T15, T16: whoever is overtaken by another leader must not answer. */
  #answered(context: number, index: number | undefined, core: Raft): void {
    const floor = this.#floors.get(context);
    this.#floors.delete(context);
    if (index === undefined || floor === undefined || index >= floor) return;
    const { role, term } = recordOf(core);
    throw new Violation(
      'confirmed reads miss nothing',
      `${this.#name}, ${role} in term ${term}, has a read of ${index} confirmed; committed were ${floor} when it was asked for`,
    );
  }
}
