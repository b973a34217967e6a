// The rendezvous of members that cannot hear each other yet: each opens a Channel to it (over a WebSocket, say) and names a room, by a hash of its secret, and
// itself; from then on it passes signals on to the member of that room whom they name, and pieces where no other way leads. It keeps nothing, and knows
// only what envelopes say; who waits how long is for `relay-lanes.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { decodeRelayFrame, encodeRelayFrame, isRelayFrame, nothing } from './relay-frame.ts';
import { Allowance, RelayLanes } from './relay-lanes.ts';
import { decodeHello, decodeSignal, encodeSignal, encodeWord, encodePresence } from './relay-message.ts';
import type { RelayHello, RelayWord } from './relay-message.ts';
import type { Signal } from './signal.ts';

export interface SignalRelayLimits {
  /** Members of one room. One more is closed with `busy`. Default 64. */
  readonly maxRoomMembers: number;
  /** Members of all rooms, and those that have not said who they are. One more is closed with `busy`. Default 1,024. */
  readonly maxMembers: number;
  /** From the channel to the hello. Default 3 s, then `timeout`. */
  readonly helloMilliseconds: number;
  /**
   * How long the one that goes by a name has to say that it lives, when another one asks for the name. Default 3 s; then the name is the other one's.
   */
  readonly proofMilliseconds: number;
  /** What may be on its way to one member; words of the relay itself are dropped above that. Default 1 MiB: twice what signals and pieces leave of the way. */
  readonly maxQueuedBytes: number;
  /** Signals that one member may send within ten seconds; one more closes it with `busy`. Default 2,000: fifty attempts and more. */
  readonly maxSignalsInTenSeconds: number;
  /** Of one sender's signals to one member, what may wait; further ones are dropped, and those of other senders are not. Default 256 KiB. */
  readonly maxSignalLaneBytes: number;
  /** The same to all members together. Default 1 MiB. */
  readonly maxHeldSignalBytes: number;
  /** Of one sender's signals; what comes faster waits. Default 512 KiB. */
  readonly signalBytesPerSecond: number;
  /** What is passed on for one member, beyond signals; what comes faster waits, and so does its sender. 0: nothing is. Default 2 MiB. */
  readonly relayedBytesPerSecond: number;
  /** The same for all members together. Default 16 MiB. */
  readonly totalRelayedBytesPerSecond: number;
  /** What one member may have under way to another; more closes it with `busy`. Default 1 MiB: a link that keeps to the rules needs 300 KiB. */
  readonly maxLaneBytes: number;
  /** The same to all others together. Default 8 MiB. */
  readonly maxHeldBytes: number;
  /** What waits in the relay for all members together; at the limit whoever sends more is closed with `busy`. Default 64 MiB. */
  readonly maxTotalHeldBytes: number;
}

export interface SignalRelayOptions {
  readonly limits?: Partial<SignalRelayLimits>;
  /** Throws a RaftkvError to refuse a member, which is told. `room` is a hash. Default: whoever knows the secret of a room may be in it. */
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
  proofMilliseconds: 3000,
  maxQueuedBytes: 1024 * 1024,
  maxSignalsInTenSeconds: 2000,
  maxSignalLaneBytes: 256 * 1024,
  maxHeldSignalBytes: 1024 * 1024,
  signalBytesPerSecond: 512 * 1024,
  relayedBytesPerSecond: 2 * 1024 * 1024,
  totalRelayedBytesPerSecond: 16 * 1024 * 1024,
  maxLaneBytes: 1024 * 1024,
  maxHeldBytes: 8 * 1024 * 1024,
  maxTotalHeldBytes: 64 * 1024 * 1024,
};

/** As fast as the way is: signals of one member are slowed down by what it sends itself, and by nobody else. */
const unhurried = 2 ** 40;
/** Between two words about who is in a room. */
const presenceMilliseconds = 50;

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
  readonly #signalTotal: Allowance;
  readonly #rooms = new Map<string, Map<string, Member>>();
  readonly #channels = new Set<Channel>();
  /** Rooms of whose members somebody has yet to be told. */
  readonly #changed = new Set<Map<string, Member>>();
  #isClosed = false;
  relayedBytes = 0;

  constructor({ limits, admit, clock }: SignalRelayOptions) {
    this.#limits = { ...defaultSignalRelayLimits, ...limits };
    this.#admit = admit ?? (() => undefined);
    this.#clock = clock ?? systemClock;
    const { totalRelayedBytesPerSecond, maxTotalHeldBytes } = this.#limits;
    this.#total = new Allowance(totalRelayedBytesPerSecond, maxTotalHeldBytes, this.#clock);
    this.#signalTotal = new Allowance(unhurried, maxTotalHeldBytes, this.#clock);
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
          if (member.id !== undefined) this.#hear(member, member.id, frame);
          else this.#greet(member, decodeHello(frame), cancelDeadline);
        } catch (error) {
          channel.close(RaftkvError.from(error, 'bad_frame'));
        }
      },
      onDrain: () => {
        member.signalLanes.drained();
        member.lanes.drained();
      },
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
    const { maxLaneBytes, maxSignalLaneBytes } = this.#limits;
    const way = { channel, clock: this.#clock };
    const lanes = new RelayLanes({
      ...way,
      total: this.#total,
      maxLaneBytes,
      onSent: (bytes) => (this.relayedBytes += bytes),
    });
    const signalLanes = new RelayLanes({
      ...way,
      total: this.#signalTotal,
      maxLaneBytes: maxSignalLaneBytes,
      onSent: () => undefined,
    });
    return new Member(channel, { lanes, signalLanes }, this.#limits, this.#clock);
  }

  /** A name is its holder's for as long as it lives: another one that asks for it waits until the holder has had time to say so. */
  #greet(member: Member, hello: RelayHello, cancelDeadline: () => void): void {
    if (member.claim !== undefined) throw new RaftkvError('bad_frame', 'a word before the welcome');
    const { room: name, id, key } = hello;
    this.#admit(name, id);
    const holder = this.#rooms.get(name)?.get(id);
    // It came back before its older channel was found out.
    if (holder?.key === key) this.#refuseClaimant(holder);
    if (holder?.claimant !== undefined) throw new RaftkvError('busy', `others ask for the name ${id} already`);
    cancelDeadline();
    if (holder === undefined || holder.key === key) return this.#enter(member, hello, holder);
    const cancel = this.#clock.schedule(() => this.#enter(member, hello, holder), this.#limits.proofMilliseconds);
    member.claim = { holder, hello, cancel };
    holder.claimant = member;
    this.#give(holder, encodeWord('ping'));
  }

  #enter(member: Member, { room: name, id, key, watches }: RelayHello, former: Member | undefined): void {
    this.#withdraw(member);
    const room = this.#rooms.get(name) ?? new Map<string, Member>();
    if (former === undefined && room.size >= this.#limits.maxRoomMembers) {
      return member.channel.close(new RaftkvError('busy', 'the room is full'));
    }
    if (former !== undefined) this.#leave(former);
    this.#rooms.set(name, room);
    room.set(id, member);
    member.room = name;
    member.id = id;
    member.key = key;
    member.watches = watches === true;
    former?.channel.close(new RaftkvError('closed', 'replaced by a newer channel'));
    member.channel.send(encodeWord('welcome'));
    this.#tellPresence(room);
  }

  /** It asks for nobody's name any more. */
  #withdraw(member: Member): void {
    member.claim?.cancel();
    if (member.claim !== undefined) member.claim.holder.claimant = undefined;
    member.claim = undefined;
  }

  #hear(member: Member, id: string, frame: Uint8Array): void {
    if (isRelayFrame(frame)) return this.#carry(member, id, frame);
    const signal = decodeSignal(frame);
    if (typeof signal !== 'string') return this.#pass(member, signal);
    this.#hearWord(member, signal);
  }

  #hearWord(member: Member, word: RelayWord): void {
    member.count();
    if (word === 'ping') return this.#give(member, encodeWord('pong'));
    if (word !== 'pong') throw new RaftkvError('bad_frame', `a ${word}, which only the relay may say`);
    this.#refuseClaimant(member);
  }

  /** This one lives, so the name stays its own. */
  #refuseClaimant({ id, claimant }: Member): void {
    if (claimant === undefined) return;
    this.#withdraw(claimant);
    claimant.channel.close(new RaftkvError('wrong_member', `${id} is the name of another one, that lives`));
  }

  #pass(member: Member, signal: Signal): void {
    if (signal.from !== member.id) throw new RaftkvError('bad_frame', `${member.id} speaks for ${signal.from}`);
    member.count();
    const to = this.#rooms.get(member.room)?.get(signal.to);
    if (to !== undefined) return this.#queue(to, member, signal);
    // So that whoever dials need not wait.
    if (signal.type !== 'offer') return;
    const { session, from, to: absent } = signal;
    const message = `${absent} is not here`;
    this.#give(
      member,
      encodeSignal({ version: 1, session, from: absent, to: from, type: 'bye', code: 'connect_failed', message }),
    );
  }

  /** In a lane of the sender's, so that nobody's signals are in the way of another one's. Those that find no room are lost, as signals may be. */
  #queue(to: Member, { signalAllowance }: Member, signal: Signal): void {
    try {
      to.signalLanes.add(signal.from, encodeSignal(signal), true, signalAllowance);
    } catch (error) {
      if (RaftkvError.from(error).code !== 'busy') throw error;
    }
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

  /** Soon, once for many that come or go at a time. Whoever is too far behind to be told hears of the next change. */
  #tellPresence(room: Map<string, Member>): void {
    if (this.#changed.has(room)) return;
    this.#changed.add(room);
    this.#clock.schedule(() => {
      this.#changed.delete(room);
      const ids = [...room.keys()];
      for (const member of room.values()) {
        if (member.watches) this.#give(member, encodePresence(ids.filter((id) => id !== member.id)));
      }
    }, presenceMilliseconds);
  }

  #leave(member: Member): void {
    member.lanes.stop();
    member.signalLanes.stop();
    this.#withdraw(member);
    const { room: name, id } = member;
    const room = this.#rooms.get(name);
    if (id === undefined || room === undefined || room.get(id) !== member) return;
    room.delete(id);
    this.#tellPresence(room);
    const { claimant } = member;
    member.claimant = undefined;
    if (room.size === 0) this.#rooms.delete(name);
    for (const partner of member.partners) {
      partner.partners.delete(member);
      partner.lanes.forget(id);
      this.#tellAbsent(partner, id);
    }
    // The name is free.
    if (claimant?.claim !== undefined) this.#enter(claimant, claimant.claim.hello, undefined);
  }
}

/** Who is at the other end of a channel, once it said so, and how much it says. */
class Member {
  room = '';
  /** Wants to be told who is in its room. */
  watches = false;
  id: string | undefined;
  key = '';
  /** The name that it waits for is still another one's. */
  claim: { readonly holder: Member; readonly hello: RelayHello; readonly cancel: () => void } | undefined;
  /** Who waits for this one's name. */
  claimant: Member | undefined;
  readonly channel: Channel;
  /** What waits for it. */
  readonly lanes: RelayLanes;
  readonly signalLanes: RelayLanes;
  /** For what it sends. */
  readonly allowance: Allowance;
  readonly signalAllowance: Allowance;
  /** With whom it has had a link; at most a room's. */
  readonly partners = new Set<Member>();
  readonly #limits: SignalRelayLimits;
  readonly #clock: TransportClock;
  #since = 0;
  #signals = 0;

  constructor(
    channel: Channel,
    { lanes, signalLanes }: Pick<Member, 'lanes' | 'signalLanes'>,
    limits: SignalRelayLimits,
    clock: TransportClock,
  ) {
    this.channel = channel;
    this.lanes = lanes;
    this.signalLanes = signalLanes;
    this.allowance = new Allowance(limits.relayedBytesPerSecond, limits.maxHeldBytes, clock);
    this.signalAllowance = new Allowance(limits.signalBytesPerSecond, limits.maxHeldSignalBytes, clock);
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
