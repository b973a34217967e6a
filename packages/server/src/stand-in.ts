// Two voters, and one of them goes: by then it can agree to nothing any more, and without it the other has no quorum. So it gives its voice away before: it says,
// as its last word, that it will neither vote nor acknowledge again, and the other answers its own questions in its place until it has removed it.
//
// Why that is safe. Of two voters each quorum holds both. (1) Whoever went and comes back, even without any memory of it, can elect and commit nothing without
// the other one. (2) A voice is taken as a vote is: only by one whose log is at least as up to date (§3.6.1) as that of who gives it. So whoever stands in has
// every entry that was ever committed, and what it commits with that voice makes its log the longer one: who comes back gets no vote, and is given no voice,
// before it has all of that. (3) The two never hold each other's voices: who gave its own away takes none (`mute`). With three voters (1) does not hold, so there
// nobody stands in, nor goes on doing so: each answer looks at the configuration anew, and whoever stands in makes no change of members but the removal.
//
// Here is the transport that does both. When to ask is for whoever composes a member.
import type { Configuration, MemberChange, Message, PeerId, RaftStatus } from '@raftkv/raft';
import type { Transport, TransportHandlers } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';

/** The last word of one that goes: who it is, where its log ends, and which configuration it knows to be committed. */
export interface GivenVoice {
  readonly memberId: PeerId;
  readonly term: number;
  readonly lastTerm: number;
  readonly lastIndex: number;
  readonly committedConfigurationIndex: number;
}

/** Whether this member is the other one of two voters, for certain, and may answer for the one that goes. Not yet is no never: what is under way to it may come. */
function canStandInFor(voice: GivenVoice, self: RaftStatus): boolean {
  // Also while it is joint: what its other half may decide, it decides with these two only (§4.3).
  const isPair = ({ voters }: Configuration): boolean =>
    voters.length === 2 && voters.includes(self.id) && voters.includes(voice.memberId) && self.id !== voice.memberId;
  const isUpToDate =
    self.lastTerm > voice.lastTerm || (self.lastTerm === voice.lastTerm && self.lastIndex >= voice.lastIndex);
  // Logs that end in the same term are the same as far as the shorter one goes, so the index says which entry is meant.
  const isCommittedThere =
    self.lastTerm === voice.lastTerm && self.configurationIndex === voice.committedConfigurationIndex;
  return isUpToDate && isPair(self.configuration) && (isCommittedThere || isPair(self.committedConfiguration));
}

/** Whether every quorum that the one stood for belongs to is still that of the two: joint or not, with it in one half or in both. */
function isStillPair({ id: selfId, configuration }: RaftStatus, id: PeerId): boolean {
  const halves = [configuration.voters, configuration.votersOutgoing].filter((half) => half.includes(id));
  return halves.length > 0 && halves.every((half) => half.length === 2 && half.includes(selfId));
}

export class StandIn implements Transport {
  readonly #inner: Transport;
  readonly #status: () => RaftStatus | undefined;
  readonly #defer: (act: () => void) => void;
  #handlers: TransportHandlers | undefined;
  #isMute = false;
  #for: PeerId | undefined;

  /** `status`: of the member's core as it is now; undefined: there is none yet. `defer`: answers come after the present turn, as those of others do. Default `queueMicrotask`. */
  constructor(
    inner: Transport,
    status: () => RaftStatus | undefined,
    defer: (act: () => void) => void = queueMicrotask,
  ) {
    this.#inner = inner;
    this.#status = status;
    this.#defer = defer;
  }

  /** This member has given its voice away: nothing leaves any more, and nothing comes in. For good. */
  mute(): void {
    this.#isMute = true;
  }

  get isMute(): boolean {
    return this.#isMute;
  }

  /** From here on this member answers itself for that one, whose own words count no more. False: not after `mute`, and not where that is not allowed. */
  standFor(voice: GivenVoice, self: RaftStatus): boolean {
    if (this.#isMute || !canStandInFor(voice, self)) return false;
    const { memberId } = voice;
    if (this.#for === memberId) return true;
    this.#for = memberId;
    // As whoever leads hands over, so that nobody need wait for an election timeout.
    const term = Math.max(voice.term, self.term);
    if (self.role !== 'leader') this.#answer({ type: 'timeoutNowRequest', from: memberId, to: self.id, term });
    return true;
  }

  /**
   * Whom it answers for. Nobody any more once there are others to agree with: what it agreed to alone is all before that change in its log, so who votes for the
   * change, or by it, has to have that; and the other one speaks for itself again.
   */
  get standsFor(): PeerId | undefined {
    const status = this.#for === undefined ? undefined : this.#status();
    if (status !== undefined && !isStillPair(status, this.#for!)) this.#for = undefined;
    return this.#for;
  }

  /** What keeps these changes of the members from being made: while this member answers for another one, that one is removed, and nothing else is changed. */
  refusalOf(changes: readonly MemberChange[]): RaftkvError | undefined {
    const id = this.standsFor;
    if (id === undefined) return undefined;
    if (changes.length === 1 && changes[0]!.type === 'remove' && changes[0]!.id === id) return undefined;
    return new RaftkvError('busy', `${id} has gone and is removed first`);
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#inner.start({
      onMessage: (message) => {
        if (!this.#isMute && message.from !== this.standsFor) handlers.onMessage(message);
      },
      onUnreachable: (peer) => {
        if (peer !== this.standsFor) handlers.onUnreachable(peer);
      },
      onPeerState: (peer, isConnected) => handlers.onPeerState?.(peer, isConnected),
    });
  }

  send(messages: readonly Message[]): void {
    if (this.#isMute) return;
    const id = this.standsFor;
    if (id === undefined) return this.#inner.send(messages);
    const others = messages.filter(({ to }) => to !== id);
    if (others.length > 0) this.#inner.send(others);
    for (const message of messages) {
      const answer = message.to === id ? answerTo(message) : undefined;
      if (answer !== undefined) this.#answer(answer);
    }
  }

  isConnected(peer: PeerId): boolean {
    return peer === this.standsFor || this.#inner.isConnected(peer);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #answer(message: Message): void {
    this.#defer(() => {
      if (!this.#isMute) this.#handlers?.onMessage(message);
    });
  }
}

/** What one says that agrees to everything. */
function answerTo({ from: to, to: from, ...message }: Message): Message | undefined {
  const { term } = message;
  switch (message.type) {
    case 'preVoteRequest':
      return { type: 'preVoteResponse', from, to, term, granted: true };
    case 'voteRequest':
      return { type: 'voteResponse', from, to, term, granted: true };
    case 'appendRequest': {
      const matchIndex = message.prevLogIndex + message.entries.length;
      const none = { rejectedIndex: 0, conflictIndex: 0, conflictTerm: 0 };
      return { type: 'appendResponse', from, to, term, success: true, matchIndex, ...none };
    }
    case 'heartbeatRequest':
      // Leadership is not for one that has gone.
      return { type: 'heartbeatResponse', from, to, term, readToken: message.readToken, priority: 0 };
    case 'installSnapshotRequest': {
      const { lastIncludedIndex } = message.meta;
      const offset = message.offset + message.data.length;
      return {
        type: 'installSnapshotResponse',
        from,
        to,
        term,
        lastIncludedIndex,
        offset,
        done: message.done,
        failed: false,
      };
    }
    default:
      return undefined;
  }
}
