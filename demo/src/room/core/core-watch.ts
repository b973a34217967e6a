// Listens at the core of this tab's member: every message that it sends and takes in, its role, its log and its timer, as the page draws them. It stands
// where the flight recorder stands, so the same run is also recorded; and here messages are lost on purpose, which the core must bear.
import { FlightRecorder } from '@raftkv/replica';
import type { FlightRecorderOptions, FlightSink } from '@raftkv/replica';
import type { Input, Message, PeerId, Raft, RaftStatus } from '@raftkv/raft';

/** What a message is about, in the words of the picture. */
export type MessageKind = 'heartbeat' | 'entries' | 'vote' | 'answer' | 'snapshot';

export interface MessageSeen {
  readonly way: 'sent' | 'received';
  readonly peer: PeerId;
  readonly kind: MessageKind;
  /** Entries in it. */
  readonly entries: number;
  /** It was lost here, on purpose. */
  readonly isLost: boolean;
}

export interface CoreSight {
  readonly status: RaftStatus;
  /** Terms of the last entries, the oldest first, up to `status.lastIndex`. */
  readonly tail: readonly number[];
  /** Ticks since this member last heard a leader or gave its vote. It may campaign after one to two election timeouts. */
  readonly silentTicks: number;
}

export interface CoreWatchOptions extends FlightRecorderOptions {
  readonly onMessage: (seen: MessageSeen) => void;
  /** Whether to lose this one. */
  readonly isLost: () => boolean;
}

type Core = ReturnType<FlightRecorder['record']>;

const shownEntries = 48;

export class CoreWatch extends FlightRecorder {
  readonly #watchOptions: CoreWatchOptions;
  #core: Core | undefined;
  #silentTicks = 0;

  constructor(sink: FlightSink, options: CoreWatchOptions) {
    super(sink, options);
    this.#watchOptions = options;
  }

  override record(raft: Raft): Core {
    const core = super.record(raft);
    this.#core = core;
    return {
      ...core,
      // Outside of the recording: what is lost, the core never saw.
      step: (input) => {
        if (!this.#takesIn(input)) return;
        core.step(input);
      },
      takeReady: () => {
        const ready = core.takeReady();
        return { ...ready, messages: ready.messages.filter((message) => this.#passes('sent', message, message.to)) };
      },
    };
  }

  /** Undefined before there is a core. */
  look(): CoreSight | undefined {
    if (this.#core === undefined) return undefined;
    const status = this.#core.status();
    const { lastIndex, firstIndex } = status;
    const tail: number[] = [];
    for (let index = Math.max(firstIndex, lastIndex - shownEntries + 1); index <= lastIndex; index += 1) {
      tail.push(this.#core.termAt(index) ?? 0);
    }
    return { status, tail, silentTicks: this.#silentTicks };
  }

  #takesIn(input: Input): boolean {
    if (input.type === 'tick') this.#silentTicks += 1;
    if (input.type !== 'receive') return true;
    const { message } = input;
    if (!this.#passes('received', message, message.from)) return false;
    if (isOfLeader(message)) this.#silentTicks = 0;
    return true;
  }

  #passes(way: MessageSeen['way'], message: Message, peer: PeerId): boolean {
    const isLost = this.#watchOptions.isLost();
    const entries = 'entries' in message ? message.entries.length : 0;
    if (way === 'sent' && message.type === 'voteResponse' && message.granted) this.#silentTicks = 0;
    this.#watchOptions.onMessage({ way, peer, kind: kindOf(message), entries, isLost });
    return !isLost;
  }
}

function isOfLeader({ type }: Message): boolean {
  return type === 'heartbeatRequest' || type === 'appendRequest' || type === 'installSnapshotRequest';
}

function kindOf(message: Message): MessageKind {
  switch (message.type) {
    case 'heartbeatRequest':
      return 'heartbeat';
    case 'appendRequest':
    case 'proposeRequest':
      return 'entries';
    case 'preVoteRequest':
    case 'preVoteResponse':
    case 'voteRequest':
    case 'voteResponse':
    case 'timeoutNowRequest':
      return 'vote';
    case 'installSnapshotRequest':
      return 'snapshot';
    default:
      return 'answer';
  }
}
