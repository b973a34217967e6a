// Feeds the run of a world to the trace validation of `test/checkers`: listens at each core between its inputs, so that every step of every member is held
// against the published specification of Raft, and every message that leaves; and, of a share of the states, its invariants by brute force.
import type { Configuration, Input, Message, PeerId, Raft } from '@raftkv/raft';
import { recordOf } from '@raftkv/raft/invariants';
import type { LogView } from '../../checkers/cluster-events.ts';
import { logEntryOf } from '../../checkers/spec-ghosts.ts';
import type { SpecMember } from '../../checkers/spec-ghosts.ts';
import { SpecificationTrace } from '../../checkers/spec-trace.ts';
import type { Verdict } from '../../checkers/verdict.ts';
import { Violation } from '../world/violation.ts';
import type { DiskRecord } from './disk-record.ts';

type Record = ReturnType<typeof recordOf>;

/** Of the states that a step leads to, one in so many is held against the invariants; where a leader is new, all. */
const invariantsEvery = 100;

/** A check that throws inside of production code would be taken for an error of it. */
type Guard = (check: () => void) => void;

export interface CoreWatch {
  readonly guard: Guard;
  /** False once another process has taken its place. */
  readonly isMember: () => boolean;
  /** It stands in this term, though another process has taken its place. */
  readonly onStandsBehind?: (term: number) => void;
}

export class Specification {
  readonly #disks = new Map<PeerId, DiskRecord>();
  readonly #members = new Map<PeerId, SpecMember>();
  readonly #trace = new SpecificationTrace((id) => this.#disks.get(id)?.view);
  /** Of entries, by index and term; and of those that are committed, by index: what the log of a disk says which configuration is in force by. */
  readonly #configurations = new Map<string, Configuration>();
  readonly #committedConfigurations = new Map<number, Configuration>();
  #stepsLooked = 0;

  /** Of members, that changed something. */
  get steps(): number {
    return this.#trace.steps;
  }

  /** That were held against the invariants. */
  get states(): number {
    return this.#trace.states;
  }

  /** A core that begins; whatever it is given from now on is looked at, while it is the member that it says it is. */
  watch(core: Raft, disk: DiskRecord, { guard, isMember, onStandsBehind }: CoreWatch): void {
    const { id } = recordOf(core);
    this.#disks.set(id, disk);
    let member = memberOf(recordOf(core));
    this.#members.set(id, member);
    this.#noteConfigurations(recordOf(core));
    guard(() => mustHold(this.#trace.started(member)));
    const look = (input: Input | undefined): void => {
      const before = member;
      member = after(before, recordOf(core));
      if (!isMember()) {
        if (member.role === 'candidate') onStandsBehind?.(member.term);
        return guard(() => mustHold(this.#trace.steppedBehind({ before, after: member, input })));
      }
      if (member === before && !isHeeded(input)) return;
      this.#members.set(id, member);
      if (member !== before) this.#noteConfigurations(recordOf(core));
      guard(() => {
        mustHold(this.#trace.stepped({ before, after: member, input }));
        if (member !== before) this.#lookAtState(member.role === 'leader' && before.role !== 'leader');
      });
    };
    const step = core.step.bind(core);
    const takeReady = core.takeReady.bind(core);
    core.step = (input) => {
      step(input);
      look(input);
    };
    core.takeReady = () => {
      const ready = takeReady();
      look(undefined);
      if (isMember()) guard(() => mustHold(this.#trace.sent(id, ready.messages)));
      return ready;
    };
  }

  /** A member died; `disk` undefined: with all that its disk had promised. */
  stopped(id: PeerId, isLost: boolean): void {
    const member = this.#members.get(id);
    const disk = this.#disks.get(id)?.view;
    if (member === undefined || disk === undefined) return;
    if (isLost) {
      this.#disks.delete(id);
      return this.#trace.stopped(id, undefined);
    }
    const { term, votedFor, log } = disk;
    const rest = {
      role: 'follower',
      commitIndex: log.compactedIndex,
      configuration: this.#configurationOf(log) ?? member.committedConfiguration,
    } as const;
    this.#trace.stopped(id, { ...member, ...rest, term, votedFor, log: { ...log, entries: [...log.entries] } });
  }

  #noteConfigurations({ membership, log, commitIndex }: Record): void {
    const { history, told } = membership;
    for (const { index, configuration } of told === undefined ? history : [told, ...history]) {
      if (index <= commitIndex) this.#committedConfigurations.set(index, configuration);
      const entry = log.entries[index - log.compactedIndex - 1];
      if (entry !== undefined) this.#configurations.set(`${index}/${entry.term}`, configuration);
    }
  }

  /** The newest in a log, committed or not (§4.1). */
  #configurationOf({ entries, compactedIndex }: LogView): Configuration | undefined {
    for (const { index, term } of entries.toReversed()) {
      const configuration = this.#configurations.get(`${index}/${term}`);
      if (configuration !== undefined) return configuration;
    }
    const known = [...this.#committedConfigurations.keys()].filter((index) => index <= compactedIndex);
    return this.#committedConfigurations.get(Math.max(...known));
  }

  /** The last state of a run. */
  checkState(): void {
    mustHold(this.#trace.checkState());
  }

  #lookAtState(isDue: boolean): void {
    this.#stepsLooked += 1;
    if (isDue || this.#stepsLooked % invariantsEvery === 0) this.checkState();
  }
}

/** Of what changes nothing, only these say something. */
function isHeeded(input: Input | undefined): boolean {
  if (input?.type !== 'receive') return false;
  const { type } = input.message as Message;
  return type === 'voteResponse' || type === 'appendRequest';
}

function memberOf(record: Record): SpecMember {
  const { id, term, votedFor, role, commitIndex, configuration } = record;
  const committedConfiguration = committedOf(record);
  return { id, term, votedFor, role, commitIndex, configuration, committedConfiguration, log: viewOf(record) };
}

/** The same object if nothing changed. */
function after(before: SpecMember, record: Record): SpecMember {
  const log = isSameLog(before.log, record) ? before.log : viewOf(record);
  const { term, votedFor, role, commitIndex, configuration } = record;
  const isSame =
    log === before.log &&
    term === before.term &&
    votedFor === before.votedFor &&
    role === before.role &&
    commitIndex === before.commitIndex &&
    configuration === before.configuration;
  return isSame ? before : { ...memberOf(record), log };
}

function isSameLog(view: LogView, { log }: Record): boolean {
  const { entries } = log;
  if (view.compactedIndex !== log.compactedIndex || view.entries.length !== entries.length) return false;
  // An entry that is replaced takes all that is behind it along.
  const last = entries.at(-1);
  return last === undefined || view.entries.at(-1) === logEntryOf(last);
}

function viewOf({ log }: Record): LogView {
  const { compactedIndex, compactedTerm } = log;
  return { compactedIndex, compactedTerm, entries: log.entries.map(logEntryOf) };
}

function committedOf({ membership, commitIndex, configuration }: Record): Configuration {
  const { history, told } = membership;
  const held = history.findLast(({ index }) => index <= commitIndex);
  if (held !== undefined && (told === undefined || held.index >= told.index)) return held.configuration;
  return told?.configuration ?? configuration;
}

function mustHold({ verdict, promise, explanation }: Verdict): void {
  if (verdict !== 'holds') throw new Violation(promise, explanation);
}
