// The rendezvous of members that cannot hear each other yet: each opens a Channel to it (over a WebSocket, say) and names a room and itself; from
// then on it passes signals on to the member of that room whom they name. It keeps nothing, and knows only what a signal's envelope says.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { decodeHello, decodeSignal, encodeSignal } from './relay-message.ts';
import type { Signal } from './signal.ts';

export interface SignalRelayLimits {
  /** Members of one room. One more is closed with `busy`. Default 64. */
  readonly maxRoomMembers: number;
  /** Members of all rooms, and those that have not said who they are. One more is closed with `busy`. Default 1,024. */
  readonly maxMembers: number;
  /** From the channel to the hello. Default 3 s, then `timeout`. */
  readonly helloMilliseconds: number;
  /** What may wait for one member; signals to it are dropped above that. Default 256 KiB. */
  readonly maxQueuedBytes: number;
  /** Signals that one member may send within ten seconds; one more closes it with `busy`. Default 2,000: fifty attempts and more. */
  readonly maxSignalsInTenSeconds: number;
}

export interface SignalRelayOptions {
  readonly limits?: Partial<SignalRelayLimits>;
  /** Throws a RaftkvError to refuse a member, which is told. Default: anybody may be in any room. */
  readonly admit?: (room: string, memberId: string) => void;
  readonly clock?: TransportClock;
}

export interface SignalRelay {
  /** Takes an incoming channel, unstarted. Never throws. */
  accept(channel: Channel): void;
  /** Of all rooms. */
  readonly members: number;
  /** Closes every channel with `closed`, and what comes later. Idempotent. */
  close(): void;
}

const defaultSignalRelayLimits: SignalRelayLimits = {
  maxRoomMembers: 64,
  maxMembers: 1024,
  helloMilliseconds: 3000,
  maxQueuedBytes: 256 * 1024,
  maxSignalsInTenSeconds: 2000,
};

/**
 * @example
 * ```ts
 * const relay = openSignalRelay();
 * acceptWebSockets(server, [{ path: '/signals', protocol: 'raftkv-signals.v1', isAllowed, onChannel: (channel) => relay.accept(channel) }]);
 * ```
 */
export function openSignalRelay(options: SignalRelayOptions = {}): SignalRelay {
  return new Relay(options);
}

class Relay implements SignalRelay {
  readonly #limits: SignalRelayLimits;
  readonly #admit: (room: string, memberId: string) => void;
  readonly #clock: TransportClock;
  readonly #rooms = new Map<string, Map<string, Channel>>();
  readonly #channels = new Set<Channel>();
  #isClosed = false;

  constructor({ limits, admit, clock }: SignalRelayOptions) {
    this.#limits = { ...defaultSignalRelayLimits, ...limits };
    this.#admit = admit ?? (() => undefined);
    this.#clock = clock ?? systemClock;
  }

  get members(): number {
    let members = 0;
    for (const room of this.#rooms.values()) members += room.size;
    return members;
  }

  accept(channel: Channel): void {
    if (this.#isClosed || this.#channels.size >= this.#limits.maxMembers) {
      const error = new RaftkvError(this.#isClosed ? 'closed' : 'busy', 'no further members at the moment');
      channel.start({ onFrame: () => undefined, onClose: () => undefined });
      channel.close(error);
      return;
    }
    this.#channels.add(channel);
    const member = new Member(this.#limits, this.#clock);
    const cancelDeadline = this.#clock.schedule(
      () => channel.close(new RaftkvError('timeout', 'nothing was said about who this is')),
      this.#limits.helloMilliseconds,
    );
    channel.start({
      onFrame: (frame) => {
        try {
          if (member.id === undefined) this.#greet(channel, member, frame, cancelDeadline);
          else this.#pass(channel, member, decodeSignal(frame));
        } catch (error) {
          channel.close(RaftkvError.from(error, 'bad_frame'));
        }
      },
      onClose: () => {
        cancelDeadline();
        this.#channels.delete(channel);
        this.#leave(channel, member);
      },
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of this.#channels) channel.close(new RaftkvError('closed', 'the relay stops'));
  }

  #greet(channel: Channel, member: Member, frame: Uint8Array, cancelDeadline: () => void): void {
    const { room: name, id } = decodeHello(frame);
    this.#admit(name, id);
    const room = this.#rooms.get(name) ?? new Map<string, Channel>();
    const former = room.get(id);
    if (former === undefined && room.size >= this.#limits.maxRoomMembers) {
      throw new RaftkvError('busy', 'the room is full');
    }
    cancelDeadline();
    this.#rooms.set(name, room);
    room.set(id, channel);
    member.room = name;
    member.id = id;
    // It came back before its older channel was found out.
    former?.close(new RaftkvError('closed', 'replaced by a newer channel'));
  }

  #pass(channel: Channel, member: Member, signal: Signal): void {
    if (signal.from !== member.id) throw new RaftkvError('bad_frame', `${member.id} speaks for ${signal.from}`);
    member.count();
    const to = this.#rooms.get(member.room)?.get(signal.to);
    if (to !== undefined) return this.#give(to, signal);
    // So that whoever dials need not wait.
    if (signal.type !== 'offer') return;
    const { session, from, to: absent } = signal;
    const message = `${absent} is not here`;
    this.#give(channel, { version: 1, session, from: absent, to: from, type: 'bye', code: 'connect_failed', message });
  }

  #give(channel: Channel, signal: Signal): void {
    if (channel.bufferedBytes < this.#limits.maxQueuedBytes) channel.send(encodeSignal(signal));
  }

  #leave(channel: Channel, { room: name, id }: Member): void {
    const room = this.#rooms.get(name);
    if (id === undefined || room === undefined || room.get(id) !== channel) return;
    room.delete(id);
    if (room.size === 0) this.#rooms.delete(name);
  }
}

/** Who is at the other end of a channel, once it said so, and how much it says. */
class Member {
  room = '';
  id: string | undefined;
  readonly #limits: SignalRelayLimits;
  readonly #clock: TransportClock;
  #since = 0;
  #signals = 0;

  constructor(limits: SignalRelayLimits, clock: TransportClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  count(): void {
    const now = this.#clock.now();
    if (now - this.#since > 10_000) {
      this.#since = now;
      this.#signals = 0;
    }
    this.#signals += 1;
    if (this.#signals > this.#limits.maxSignalsInTenSeconds) {
      throw new RaftkvError('busy', `${this.id} sends too many signals`);
    }
  }
}
