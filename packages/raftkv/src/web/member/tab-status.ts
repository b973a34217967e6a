// What a member in a tab tells of itself: a snapshot that stays the same object until something changes, and those who want to know. Written by
// `tab-member.ts` alone.
import type { RaftkvError } from '@raftkv/wire';
import type { TabLife } from './tab-life.ts';
import { tabPriorities } from './tab-options.ts';
import type { TabMemberStatus } from './tab-options.ts';

export class TabStatus {
  readonly #listeners = new Set<() => void>();
  #status: TabMemberStatus;

  constructor(known: Pick<TabMemberStatus, 'name' | 'address' | 'storage'>) {
    this.#status = {
      ...known,
      phase: 'founding',
      memberId: '',
      clusterId: undefined,
      standing: undefined,
      isLeader: false,
      term: 0,
      leader: undefined,
      isHidden: false,
      priority: 0,
      isKeptAwake: false,
      restarts: 0,
      error: undefined,
    };
  }

  snapshot(): TabMemberStatus {
    return this.#status;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  look({ member: { node, roster } }: TabLife, priority: number): void {
    const { memberId, clusterId, term, isLeader, leader } = node;
    const { voters, learners } = roster.state.active;
    const standing = voters.includes(memberId) ? 'voter' : learners.includes(memberId) ? 'learner' : undefined;
    const phase = clusterId === undefined ? 'founding' : 'running';
    const isHidden = priority === tabPriorities.hidden;
    this.#change({ phase, memberId, clusterId, standing, isLeader, term, leader, priority, isHidden });
  }

  keptAwake(isKeptAwake: boolean): void {
    this.#change({ isKeptAwake });
  }

  restarting(): void {
    this.#change({ phase: 'restarting', isLeader: false, leader: undefined, restarts: this.#status.restarts + 1 });
  }

  stopped(error: RaftkvError | undefined): void {
    const isOver = { phase: 'stopped', isLeader: false, leader: undefined, isKeptAwake: false } as const;
    // What ended it is not replaced by its being closed afterwards.
    this.#change({ ...isOver, error: error ?? this.#status.error });
  }

  #change(change: Partial<TabMemberStatus>): void {
    const next = { ...this.#status, ...change };
    const isSame = (Object.keys(next) as (keyof TabMemberStatus)[]).every((key) => next[key] === this.#status[key]);
    if (isSame) return;
    this.#status = next;
    for (const listener of this.#listeners) listener();
  }
}
