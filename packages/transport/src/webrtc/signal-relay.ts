// The rendezvous of members that cannot hear each other yet: each opens a Channel to it (over a WebSocket, say) and names a room and itself; from
// then on it passes signals on to the member of that room whom they name, and pieces where no other way leads. It keeps nothing, and knows only what
// envelopes say; who waits how long is for `relay-lanes.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { decodeRelayFrame, encodeRelayFrame, isRelayFrame, nothing } from './relay-frame.ts';
import { Allowance, RelayLanes } from './relay-lanes.ts';
import { decodeHello, decodeSignal, encodeSignal } from './relay-message.ts';
import type { Signal } from './signal.ts';

export interface SignalRelayLimits {
  /** Members of one room. One more is closed with `busy`. Default 64. */
  readonly maxRoomMembers: number;
  /** Members of all rooms, and those that have not said who they are. One more is closed with `busy`. Default 1,024. */
  readonly maxMembers: number;
  /** From the channel to the hello. Default 3 s, then `timeout`. */
  readonly helloMilliseconds: number;
  /** What may wait for one member; signals to it are dropped above that. Default 1 MiB: twice what pieces leave of the way. */
  readonly maxQueuedBytes: number;
  /** Signals that one member may send within ten seconds; one more closes it with `busy`. Default 2,000: fifty attempts and more. */
  readonly maxSignalsInTenSeconds: number;
  /** What is passed on for one member, beyond signals; what comes faster waits, and so does its sender. 0: nothing is. Default 2 MiB. */
  readonly relayedBytesPerSecond: number;
  /** The same for all members together. Default 16 MiB. */
  readonly totalRelayedBytesPerSecond: number;
  /** What one member may have under way to another; more closes it with `busy`. Default 1 MiB: a link that keeps to the rules needs 300 KiB. */
  readonly maxLaneBytes: number;
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
  /** Passed on since the start, beyond signals. */
  readonly relayedBytes: number;
  /** Closes every channel with `closed`, and what comes later. Idempotent. */
  close(): void;
}

const defaultSignalRelayLimits: SignalRelayLimits = {
  maxRoomMembers: 64,
  maxMembers: 1024,
  helloMilliseconds: 3000,
  maxQueuedBytes: 1024 * 1024,
  maxSignalsInTenSeconds: 2000,
  relayedBytesPerSecond: 2 * 1024 * 1024,
  totalRelayedBytesPerSecond: 16 * 1024 * 1024,
  maxLaneBytes: 1024 * 1024,
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
  readonly #total: Allowance;
  readonly #rooms = new Map<string, Map<string, Member>>();
  readonly #channels = new Set<Channel>();
  #isClosed = false;
  relayedBytes = 0;

  constructor({ limits, admit, clock }: SignalRelayOptions) {
    this.#limits = { ...defaultSignalRelayLimits, ...limits };
    this.#admit = admit ?? (() => undefined);
    this.#clock = clock ?? systemClock;
    this.#total = new Allowance(this.#limits.totalRelayedBytesPerSecond, this.#clock);
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
    const member = this.#createMember(channel);
    const cancelDeadline = this.#clock.schedule(
      () => channel.close(new RaftkvError('timeout', 'nothing was said about who this is')),
      this.#limits.helloMilliseconds,
    );
    channel.start({
      onFrame: (frame) => {
        try {
          if (member.id === undefined) this.#greet(member, frame, cancelDeadline);
          else if (isRelayFrame(frame)) this.#carry(member, member.id, frame);
          else this.#pass(member, decodeSignal(frame));
        } catch (error) {
          channel.close(RaftkvError.from(error, 'bad_frame'));
        }
      },
      onDrain: () => member.lanes.drained(),
      onClose: () => {
        cancelDeadline();
        this.#channels.delete(channel);
        this.#leave(member);
      },
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of this.#channels) channel.close(new RaftkvError('closed', 'the relay stops'));
  }

  #createMember(channel: Channel): Member {
    const lanes = new RelayLanes({
      channel,
      clock: this.#clock,
      total: this.#total,
      maxLaneBytes: this.#limits.maxLaneBytes,
      onSent: (bytes) => (this.relayedBytes += bytes),
    });
    return new Member(channel, lanes, this.#limits, this.#clock);
  }

  #greet(member: Member, frame: Uint8Array, cancelDeadline: () => void): void {
    const { room: name, id } = decodeHello(frame);
    this.#admit(name, id);
    const room = this.#rooms.get(name) ?? new Map<string, Member>();
    const former = room.get(id);
    if (former === undefined && room.size >= this.#limits.maxRoomMembers) {
      throw new RaftkvError('busy', 'the room is full');
    }
    cancelDeadline();
    if (former !== undefined) this.#leave(former);
    this.#rooms.set(name, room);
    room.set(id, member);
    member.room = name;
    member.id = id;
    // It came back before its older channel was found out.
    former?.channel.close(new RaftkvError('closed', 'replaced by a newer channel'));
  }

  #pass(member: Member, signal: Signal): void {
    if (signal.from !== member.id) throw new RaftkvError('bad_frame', `${member.id} speaks for ${signal.from}`);
    member.count();
    const to = this.#rooms.get(member.room)?.get(signal.to);
    if (to !== undefined) return this.#give(to, encodeSignal(signal));
    // So that whoever dials need not wait.
    if (signal.type !== 'offer') return;
    const { session, from, to: absent } = signal;
    const message = `${absent} is not here`;
    this.#give(
      member,
      encodeSignal({ version: 1, session, from: absent, to: from, type: 'bye', code: 'connect_failed', message }),
    );
  }

  /** Pieces of a link, and what opens and ends it. */
  #carry(member: Member, from: string, bytes: Uint8Array): void {
    const frame = decodeRelayFrame(bytes);
    if (frame.kind === 'absent') throw new RaftkvError('bad_frame', 'a word that only the relay may say');
    if (frame.kind === 'open') member.count();
    const to = this.#rooms.get(member.room)?.get(frame.peer);
    if (to === undefined || to === member || this.#limits.relayedBytesPerSecond === 0) {
      if (frame.kind !== 'end') this.#tellAbsent(member, frame.peer);
      return;
    }
    member.partners.add(to);
    to.partners.add(member);
    // The receiver's buffer may hold it for long, and what came in is part of a larger one.
    const passed = encodeRelayFrame({ ...frame, peer: from });
    to.lanes.add(from, passed, frame.kind !== 'bulk', member.allowance);
  }

  #tellAbsent(member: Member, peer: string): void {
    this.#give(member, encodeRelayFrame({ kind: 'absent', peer, link: 0, payload: nothing }));
  }

  #give({ channel }: Member, frame: Uint8Array): void {
    if (channel.bufferedBytes < this.#limits.maxQueuedBytes) channel.send(frame);
  }

  #leave(member: Member): void {
    member.lanes.stop();
    const { room: name, id } = member;
    const room = this.#rooms.get(name);
    if (id === undefined || room === undefined || room.get(id) !== member) return;
    room.delete(id);
    if (room.size === 0) this.#rooms.delete(name);
    for (const partner of member.partners) {
      partner.partners.delete(member);
      partner.lanes.forget(id);
      this.#tellAbsent(partner, id);
    }
  }
}

/** Who is at the other end of a channel, once it said so, and how much it says. */
class Member {
  room = '';
  id: string | undefined;
  readonly channel: Channel;
  /** What waits for it. */
  readonly lanes: RelayLanes;
  /** For what it sends. */
  readonly allowance: Allowance;
  /** With whom it has had a link; at most a room's. */
  readonly partners = new Set<Member>();
  readonly #limits: SignalRelayLimits;
  readonly #clock: TransportClock;
  #since = 0;
  #signals = 0;

  constructor(channel: Channel, lanes: RelayLanes, limits: SignalRelayLimits, clock: TransportClock) {
    this.channel = channel;
    this.lanes = lanes;
    this.allowance = new Allowance(limits.relayedBytesPerSecond, clock);
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
