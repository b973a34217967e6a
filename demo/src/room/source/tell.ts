// What a member of a room tells the others of itself, a few times a second, so that each page can draw them all. Made from its core and its links; nothing in
// the room depends on it. Tabs go by their words here. Pure but for what it is given.
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
  /** Of one domain, they fail together: the browser profile. */
  readonly domain: string;
  readonly role: Role;
  readonly term: number;
  /** Word of the leader that it follows. */
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
  readonly links: readonly { readonly to: string; readonly kind: LinkKind }[];
  readonly sent: readonly SentCount[];
}

export interface TellSource {
  readonly word: string;
  readonly domain: string;
  readonly sight: CoreSight;
  readonly wordOf: (id: string) => string;
  readonly linkTo: (word: string) => LinkKind | undefined;
  readonly sent: readonly SentCount[];
  readonly isVisible: boolean;
  readonly isFrozen: boolean;
}

export function makeTell(source: TellSource): Tell {
  const { word, domain, sight, wordOf, linkTo, sent, isVisible, isFrozen } = source;
  const { role, term, leaderId, commitIndex, appliedIndex, persistedIndex, lastIndex, configuration } = sight.status;
  const others = wordsOf(configuration, wordOf).filter((each) => each !== word);
  return {
    type: 'tell',
    from: word,
    domain,
    role,
    term,
    leader: leaderId === undefined ? undefined : wordOf(leaderId),
    commitIndex,
    appliedIndex,
    persistedIndex,
    lastIndex,
    tail: sight.tail,
    silentTicks: sight.silentTicks,
    isVisible,
    isFrozen,
    links: others.flatMap((to) => {
      const kind = linkTo(to);
      return kind === undefined ? [] : [{ to, kind }];
    }),
    sent,
  };
}

function wordsOf({ voters, votersOutgoing, learners }: Configuration, wordOf: (id: string) => string): string[] {
  return [...new Set([...voters, ...votersOutgoing, ...learners])].map(wordOf);
}
