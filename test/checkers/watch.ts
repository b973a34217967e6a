// The nine promises of a watch, against the true sequence of revisions: ordered, unique, atomic, reliable, resumable, bookmarkable,
// right about what was before, about what was created, and about what was asked for. One pass over what the watch was told.
import type { Change, ChangeEvent, KeyValue } from '@raftkv/kv';
import { agrees, contains, describe } from './agree.ts';
import type { WatchRecord } from './history.ts';
import type { Truth } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

type Broken = readonly [promise: string, explanation: string];

export function checkWatch(record: WatchRecord, truth: Truth): Verdict {
  const follower = new Follower(record, truth);
  for (const message of record.messages) {
    const broken = follower.take(message);
    if (broken !== undefined) return violation(`watch: ${broken[0]}`, `${record.name}: ${broken[1]}`);
  }
  const missed = follower.missedUpTo(record.owed ?? 0);
  if (missed !== undefined)
    return violation('watch: reliable', `${record.name} was never told of revision ${missed}, ${record.owed} is owed`);
  return holds('watch');
}

const keyOf = (event: ChangeEvent): string => (event.type === 'put' ? event.entry.key : event.key);

class Follower {
  readonly #record: WatchRecord;
  readonly #truth: Truth;
  /** Of the message that is looked at. */
  #compactedRevision = 0;
  /** The first revision that it has not been told of; undefined before it was created. */
  #next: number | undefined;
  #lastEvent = 0;
  #isOver = false;

  constructor(record: WatchRecord, truth: Truth) {
    this.#record = record;
    this.#truth = truth;
  }

  take(message: WatchRecord['messages'][number]): Broken | undefined {
    if (this.#isOver) return ['reliable', `it went on after it was told that what it wants is compacted`];
    switch (message.type) {
      case 'created':
        return this.#created(message.revision, message.newest ?? this.#truth.revision);
      case 'changes':
        this.#compactedRevision = message.compactedRevision ?? 0;
        for (const change of message.changes) {
          const broken = this.#change(change);
          if (broken !== undefined) return broken;
        }
        return undefined;
      case 'progress':
        return this.#progress(message.revision);
      case 'compacted':
        this.#isOver = true;
        return (this.#next ?? this.#record.from) >= message.compactedRevision
          ? ['reliable', `it was told that ${this.#next} is compacted, and ${message.compactedRevision} is not`]
          : undefined;
    }
  }

  /** The first revision up to `revision` that it should have been told of and was not. */
  missedUpTo(revision: number): number | undefined {
    if (this.#next === undefined || this.#isOver) return undefined;
    const { range } = this.#record;
    for (let at = Math.max(this.#next, 2); at <= Math.min(revision, this.#truth.revision); at++) {
      if (this.#truth.changeAt(at)!.events.some((event) => contains(range, keyOf(event)))) return at;
    }
    return undefined;
  }

  #created(revision: number, newest: number): Broken | undefined {
    const wanted = this.#next ?? this.#record.from;
    if (this.#next === undefined && this.#record.from === 0) {
      if (revision > newest + 1)
        return ['resumable', `it was to begin with what comes after ${newest}, and begins with ${revision}`];
      this.#next = revision;
      return undefined;
    }
    // It may ask for what a bookmark has said to be empty again.
    const isResumed = revision <= wanted && revision > this.#lastEvent;
    if (!isResumed && revision !== wanted) return ['resumable', `it goes on from ${revision}, and wanted ${wanted}`];
    this.#next = revision;
    return undefined;
  }

  #change({ revision, events }: Change): Broken | undefined {
    if (this.#next === undefined) return ['reliable', `it was told of ${revision} before it was created`];
    if (revision === this.#lastEvent) {
      const known = this.#truth.changeAt(revision)?.events.length ?? 0;
      return events.length < known
        ? ['atomic', `revision ${revision} came in more than one piece`]
        : ['unique', `revision ${revision} came twice`];
    }
    if (revision < this.#lastEvent) return ['unique', `revision ${revision} came again after ${this.#lastEvent}`];
    if (revision < this.#next)
      return ['bookmarkable', `revision ${revision} came when all before ${this.#next} was said to be told`];
    const missed = this.missedUpTo(revision - 1);
    if (missed !== undefined) {
      return this.#isToldAt(missed)
        ? ['ordered', `revision ${revision} came before ${missed}`]
        : ['reliable', `revision ${revision} came without ${missed} before it`];
    }
    const broken = this.#events(revision, events);
    this.#lastEvent = revision;
    this.#next = revision + 1;
    return broken;
  }

  /** Now or later. */
  #isToldAt(revision: number): boolean {
    return this.#record.messages.some(
      (message) => message.type === 'changes' && message.changes.some((change) => change.revision === revision),
    );
  }

  #events(revision: number, events: readonly ChangeEvent[]): Broken | undefined {
    const { range } = this.#record;
    const outside = events.find((event) => !contains(range, keyOf(event)));
    if (outside !== undefined) return ['filter', `it was told of ${describe(outside)}, outside of ${describe(range)}`];
    const all = this.#truth.changeAt(revision)?.events ?? [];
    const wanted = all.filter((event) => contains(range, keyOf(event)));
    if (events.length < wanted.length)
      return ['atomic', `of revision ${revision} it was told ${events.length} events of ${wanted.length}`];
    if (events.length > wanted.length)
      return ['reliable', `of revision ${revision} it was told ${describe(events)}, and there is ${describe(wanted)}`];
    for (const [at, event] of events.entries()) {
      const broken = this.#event(event, wanted[at]!);
      if (broken !== undefined) return broken;
    }
    return undefined;
  }

  #event(event: ChangeEvent, wanted: ChangeEvent): Broken | undefined {
    const difference = `it was told ${describe(event)}, and it should be ${describe(wanted)}`;
    if (keyOf(event) !== keyOf(wanted) || event.type !== wanted.type) return ['reliable', difference];
    if (event.type === 'put' && wanted.type === 'put') {
      const { createRevision, version, ...rest } = event.entry;
      if (!agrees(rest, wanted.entry)) return ['reliable', difference];
      if (createRevision !== wanted.entry.createRevision || version !== wanted.entry.version)
        return ['is-create', difference];
    }
    if (event.type === 'delete' && wanted.type === 'delete' && event.revision !== wanted.revision)
      return ['reliable', difference];
    return this.#previous(event.previous, wanted) ? undefined : ['prev_kv', difference];
  }

  #previous(told: KeyValue | undefined, wanted: ChangeEvent): boolean {
    const revision = wanted.type === 'put' ? wanted.entry.revision : wanted.revision;
    if (told === undefined)
      return !this.#record.previous || wanted.previous === undefined || revision <= this.#compactedRevision;
    return wanted.previous !== undefined && agrees(told, wanted.previous) && agrees(wanted.previous, told);
  }

  #progress(revision: number): Broken | undefined {
    if (this.#next === undefined) return ['bookmarkable', `progress at ${revision} before it was created`];
    if (revision < this.#lastEvent)
      return ['bookmarkable', `progress at ${revision} after revision ${this.#lastEvent}`];
    if (revision > this.#truth.revision)
      return ['bookmarkable', `progress at ${revision}, the store never came beyond ${this.#truth.revision}`];
    const missed = this.missedUpTo(revision);
    if (missed !== undefined) return ['bookmarkable', `progress at ${revision}, and ${missed} was not told`];
    this.#next = Math.max(this.#next, revision + 1);
    return undefined;
  }
}
