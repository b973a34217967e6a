// Trace validation: a run of real members, step by step, against the published specification of Raft. Each step must be an action that it allows in the state
// in which the member is, each message one that it lets it send, and its invariants (spec-invariants.ts) hold in each state that is asked about. Who feeds it
// says what a member was before and after each input; the simulator does.
import type { Message, PeerId } from '@raftkv/raft';
import type { GlobalState } from './cluster-events.ts';
import { SpecBroken, SpecGhosts, holdsEntry, lastIndexOf, lastTermOf, termAt } from './spec-ghosts.ts';
import type { Disks, SpecMember, SpecStep } from './spec-ghosts.ts';
import { checkSpecification } from './spec-invariants.ts';
import { checkLogStep } from './spec-log-steps.ts';
import { checkMessage } from './spec-messages.ts';
import { checkRoleStep } from './spec-steps.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

const KEPT = holds('specification');

export class SpecificationTrace {
  readonly #ghosts: SpecGhosts;
  readonly #members = new Map<PeerId, SpecMember>();
  /** Steps that changed something. */
  steps = 0;
  messages = 0;
  /** Held against the invariants. */
  states = 0;

  constructor(disks: Disks) {
    this.#ghosts = new SpecGhosts(disks);
  }

  /** It begins, or begins again, with what its disk holds (Restart). */
  started(member: SpecMember): Verdict {
    return this.#judge(() => {
      this.#restart(member);
      this.#members.set(member.id, member);
    });
  }

  /** It is down: nothing is left of it but what its disk holds, which `member` says. Undefined: nor that, for ever. */
  stopped(id: PeerId, member: SpecMember | undefined): void {
    if (member === undefined) this.#members.delete(id);
    else this.#members.set(id, member);
  }

  /** Of a member that did not change since: the same object, and of a log that did not: likewise. */
  stepped(step: SpecStep): Verdict {
    const known = this.#members.get(step.after.id);
    return this.#judge(() => {
      if (known !== step.before) throw new SpecBroken('Step', `${step.after.id} is not what it was`);
      checkRoleStep(this.#ghosts, step);
      checkLogStep(this.#ghosts, step);
      if (step.after === known) return;
      this.steps += 1;
      this.#members.set(step.after.id, step.after);
    });
  }

  /** Of a process whose place another one has taken: what it goes on to do as the leader of its term counts, and what else it takes itself for does not. */
  steppedBehind(step: SpecStep): Verdict {
    const { before, after } = step;
    if (after.role === 'candidate') this.#ghosts.termsBehind.add(after.term);
    const leads = before.role === 'leader' && before.term === after.term;
    return this.#judge(() => leads && checkLogStep(this.#ghosts, step));
  }

  sent(id: PeerId, messages: readonly Message[]): Verdict {
    const sender = this.#members.get(id)!;
    return this.#judge(() => {
      for (const message of messages) checkMessage(this.#ghosts, sender, message);
      this.messages += messages.length;
    });
  }

  /** The invariants, by brute force over all members as they are now. */
  checkState(): Verdict {
    this.states += 1;
    return checkSpecification(this.state);
  }

  get state(): GlobalState {
    const members = [...this.#members.values()].flatMap((member) => {
      const durable = this.#ghosts.disks(member.id);
      return durable === undefined ? [] : [{ ...member, durable }];
    });
    return { members };
  }

  #restart(member: SpecMember): void {
    const { id, term, votedFor, role, log, commitIndex } = member;
    const disk = this.#ghosts.disks(id);
    const broken = (what: string): never => {
      throw new SpecBroken('Restart', `${id} starts ${what}`);
    };
    this.#ghosts.verified.delete(id);
    if (role !== 'follower') broken(`as ${role}`);
    if (disk === undefined) return;
    if (term !== disk.term || votedFor !== disk.votedFor)
      broken(`in term ${term} with a vote for ${votedFor}, its disk has ${disk.term} and ${disk.votedFor}`);
    const [own, durable] = [
      `${lastIndexOf(log)}/${lastTermOf(log)}`,
      `${lastIndexOf(disk.log)}/${lastTermOf(disk.log)}`,
    ];
    if (own !== durable) broken(`with a log up to ${own}, its disk has ${durable}`);
    if (!log.entries.every((entry) => holdsEntry(disk.log, entry.index, entry.term))) broken('with another log');
    const { committed, commitIndex: known } = this.#ghosts;
    if (commitIndex > known) broken(`with ${commitIndex} committed, known are ${known}`);
    for (let index = Math.max(1, log.compactedIndex); index <= commitIndex; index++) {
      const found = termAt(log, index);
      if (found !== committed[index]?.term)
        broken(`with ${index}/${found} committed, which is ${committed[index]?.term}`);
    }
  }

  #judge(check: () => unknown): Verdict {
    try {
      check();
      return KEPT;
    } catch (error) {
      if (error instanceof SpecBroken) return violation(`specification: ${error.rule}`, error.message);
      throw error;
    }
  }
}
