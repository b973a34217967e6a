// What a member of a room tells the others of itself, a few times a second, so that each page can draw them all. Made from its core and its mesh; nothing in
// the cluster depends on it. Pure but for what it is given.
import type { Configuration, Role } from '@raftkv/raft';
import type { CoreSight, MessageKind } from '../core/core-watch.ts';
import type { HubMessage } from './hub.ts';
import type { LinkKind } from './roads.ts';

/** Messages of a kind that went one way, since the last word. */
export interface SentCount {
  readonly to: string;
  readonly kind: MessageKind;
  readonly count: number;
  readonly lost: number;
}

export interface Tell extends HubMessage {
  readonly type: 'tell';
  readonly memberId: string;
  /** Of one domain, they fail together: the browser profile. */
  readonly domain: string;
  readonly role: Role;
  readonly term: number;
  /** Name of the leader that it follows. */
  readonly leader: string | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly persistedIndex: number;
  readonly lastIndex: number;
  /** Terms of its last entries, the oldest first. */
  readonly tail: readonly number[];
  readonly silentTicks: number;
  readonly isVisible: boolean;
  readonly isFrozen: boolean;
  /** It sits in a tab that has a seat of its own. */
  readonly isGuest: boolean;
  /** Names of the voters of its configuration, and of its learners. */
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly links: readonly { readonly to: string; readonly kind: LinkKind }[];
  readonly sent: readonly SentCount[];
}

export interface TellSource {
  readonly name: string;
  readonly memberId: string;
  readonly domain: string;
  readonly sight: CoreSight;
  readonly nameOf: (id: string) => string;
  readonly linkTo: (name: string) => LinkKind | undefined;
  readonly sent: readonly SentCount[];
  readonly isVisible: boolean;
  readonly isFrozen: boolean;
  readonly isGuest: boolean;
}

export function makeTell(source: TellSource): Tell {
  const { name, memberId, domain, sight, nameOf, linkTo, sent, isVisible, isFrozen, isGuest } = source;
  const { role, term, leaderId, commitIndex, appliedIndex, persistedIndex, lastIndex, configuration } = sight.status;
  const others = namesOf(configuration, nameOf).filter((each) => each !== name);
  return {
    type: 'tell',
    from: name,
    memberId,
    domain,
    role,
    term,
    leader: leaderId === undefined ? undefined : nameOf(leaderId),
    commitIndex,
    appliedIndex,
    persistedIndex,
    lastIndex,
    tail: sight.tail,
    silentTicks: sight.silentTicks,
    isVisible,
    isFrozen,
    isGuest,
    voters: votersOf(configuration).map(nameOf),
    learners: configuration.learners.map(nameOf),
    links: others.flatMap((to) => {
      const kind = linkTo(to);
      return kind === undefined ? [] : [{ to, kind }];
    }),
    sent,
  };
}

function votersOf({ voters, votersOutgoing }: Configuration): string[] {
  return [...new Set([...voters, ...votersOutgoing])];
}

function namesOf(configuration: Configuration, nameOf: (id: string) => string): string[] {
  return [...new Set([...votersOf(configuration), ...configuration.learners])].map(nameOf);
}
