// Where tabs of one origin meet without WebRTC: each listens under its name and opens a pipe (`broadcast-channel.ts`) for each that knocks. Finding out that
// a tab is gone is for `tab-watch.ts`. Made for rooms within one origin, where a member dials and is dialled by name, as with `openWebRtc`.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { ChannelLimits } from '../channel-limits.ts';
import { systemClock } from '../clock.ts';
import type { TransportClock } from '../clock.ts';
import { Departed } from '../departed.ts';
import { parsePurpose, purposes } from '../purpose.ts';
import type { ChannelPurpose, DialOptions } from '../purpose.ts';
import { broadcastChannel } from './broadcast-channel.ts';
import type { BroadcastPort } from './broadcast-channel.ts';
import { parseDoorMessage } from './door-message.ts';
import type { DoorMessage } from './door-message.ts';
import { TabWatch } from './tab-watch.ts';
import type { TabLocks } from './tab-watch.ts';

export interface BroadcastDoorLimits {
  /** Channels at a time, of both sides, the ones about to be included. One more is refused with `busy`. Default 64. */
  readonly maxChannels: number;
  /** Of these, the ones that others opened as clients; likewise, so that members find room. Default 48. */
  readonly maxClientChannels: number;
  /** From a knock to the pipe. Default 3 s, then `timeout`: the tab is frozen, or busy. */
  readonly answerMilliseconds: number;
  /** Where there are no Web Locks: how often a tab at the other end of a channel is pinged. Default 2 s. */
  readonly pingMilliseconds: number;
  /** Pings without an answer, after which it counts as gone. Default 3. */
  readonly maxSilentPings: number;
}

export interface BroadcastDoorOptions {
  /** This tab, as others dial it. */
  readonly selfId: string;
  /** Who meets whom: others of the origin hear nothing. */
  readonly room: string;
  /** Somebody dialled for this purpose; unstarted. Who it is, a handshake must prove. */
  readonly onChannel: (channel: Channel, from: string, purpose: ChannelPurpose) => void;
  /** Who is let in. Default: everybody. Others are refused with `wrong_member`. */
  readonly isWelcome?: (id: string, purpose: ChannelPurpose) => boolean;
  /** Of each channel. */
  readonly channel?: Partial<ChannelLimits>;
  readonly limits?: Partial<BroadcastDoorLimits>;
  readonly clock?: TransportClock;
  /** Default `new BroadcastChannel(name)`. */
  readonly openPort?: (name: string) => BroadcastPort;
  /** Default `navigator.locks`; null: pings, as where there are none. */
  readonly locks?: TabLocks | null;
}

export interface BroadcastDoor {
  /**
   * Resolves with an open channel to this tab. Rejects with `connect_failed` (no tab goes by that name; at once, and nothing is sent, where there are Web
   * Locks), `timeout`, `cancelled` (the signal), `busy` (here or there), `closed`, `member_removed` for one that was dropped, or what the other side
   * refused with. A channel whose other tab is gone ends with `connection_lost`.
   */
  dial(peerId: string, options?: DialOptions): Promise<Channel>;
  /** It left for good, or in that capacity: its channels end with `closed`, and it is refused from now on. */
  drop(peerId: string, purpose?: ChannelPurpose): void;
  /** Open, or about to be. */
  readonly channels: number;
  /** Ends every channel with `closed`, and answers nobody any more. Idempotent. */
  close(): void;
}

const defaultLimits: BroadcastDoorLimits = {
  maxChannels: 64,
  maxClientChannels: 48,
  answerMilliseconds: 3000,
  pingMilliseconds: 2000,
  maxSilentPings: 3,
};

/**
 * @example
 * ```ts
 * const door = openBroadcastDoor({ selfId: 'a1', room, onChannel: (channel, from, purpose) => (purpose === 'peer' ? mesh.accept(channel) : serveClient(channel, node)) });
 * const mesh = openMesh({ self, peers, dial: (peerId, signal) => door.dial(peerId, { signal }), admit });
 * addEventListener('pagehide', () => door.close());
 * ```
 */
export function openBroadcastDoor(options: BroadcastDoorOptions): BroadcastDoor {
  return new TabDoor(options);
}

interface Visitor {
  readonly peerId: string;
  readonly purpose: ChannelPurpose;
  readonly isDialled: boolean;
}

/** Waits for a welcome. */
interface Knock extends Visitor {
  readonly settle: (outcome: RaftkvError | { readonly pipe: string; readonly tab: string }) => void;
}

class TabDoor implements BroadcastDoor {
  readonly #options: BroadcastDoorOptions;
  readonly #limits: BroadcastDoorLimits;
  readonly #clock: TransportClock;
  readonly #port: BroadcastPort;
  readonly #watch: TabWatch;
  readonly #departed = new Departed();
  readonly #knocks = new Map<string, Knock>();
  readonly #channels = new Map<Channel, Visitor>();
  /** By the name of the visit: those that were welcomed and have not begun. */
  readonly #welcomed = new Map<string, () => void>();
  #isClosed = false;

  constructor(options: BroadcastDoorOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#port = this.#openPort(`raftkv room ${options.room}`);
    this.#watch = new TabWatch({
      room: options.room,
      selfId: options.selfId,
      locks: options.locks === undefined ? runtimeLocks() : (options.locks ?? undefined),
      clock: this.#clock,
      pingMilliseconds: this.#limits.pingMilliseconds,
      maxSilentPings: this.#limits.maxSilentPings,
      ping: (to, tab) => this.#say({ type: 'ping', to, visit: tab }),
    });
    void this.#watch.ready.then(() => this.#port.addEventListener('message', ({ data }) => this.#receive(data)));
  }

  get channels(): number {
    return this.#channels.size + this.#knocks.size;
  }

  async dial(peerId: string, { signal, purpose = 'peer' }: DialOptions = {}): Promise<Channel> {
    const cancelled = new RaftkvError('cancelled', `dialling ${peerId} was cancelled`);
    const check = (): void => {
      if (signal?.aborted === true) throw cancelled;
      if (this.#isClosed) throw new RaftkvError('closed', 'nobody is dialled any more');
      this.#departed.check(peerId, purpose);
      if (this.channels >= this.#limits.maxChannels) throw tooMany();
    };
    check();
    await this.#watch.ready;
    if (!(await this.#watch.isThere(peerId))) {
      throw new RaftkvError('connect_failed', `no tab goes by the name of ${peerId}`);
    }
    check();
    const visit = crypto.randomUUID();
    const visitor = { peerId, purpose, isDialled: true };
    const { pipe, tab } = await this.#knock(visit, visitor, cancelled, signal);
    const channel = this.#openPipe(pipe, visitor, tab);
    this.#say({ type: 'begin', to: peerId, visit });
    return channel;
  }

  drop(peerId: string, purpose?: ChannelPurpose): void {
    if (purpose === undefined) {
      for (const each of purposes) this.drop(peerId, each);
      return;
    }
    this.#departed.add(peerId, purpose);
    const error = new RaftkvError('closed', `no longer a ${purpose}`);
    const isMeant = (visitor: Visitor): boolean => visitor.peerId === peerId && visitor.purpose === purpose;
    for (const knock of this.#knocks.values()) if (isMeant(knock)) knock.settle(error);
    for (const [channel, visitor] of this.#channels) if (isMeant(visitor)) channel.close(error);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const error = new RaftkvError('closed', 'this member leaves');
    for (const { settle } of this.#knocks.values()) settle(error);
    for (const channel of this.#channels.keys()) channel.close(error);
    this.#port.close();
    this.#watch.close();
  }

  #knock(
    visit: string,
    visitor: Visitor,
    cancelled: RaftkvError,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly pipe: string; readonly tab: string }> {
    const { answerMilliseconds } = this.#limits;
    const { peerId, purpose } = visitor;
    return new Promise((resolve, reject) => {
      const cancel = (): void => settle(cancelled);
      const settle: Knock['settle'] = (outcome) => {
        this.#knocks.delete(visit);
        cancelDeadline();
        signal?.removeEventListener('abort', cancel);
        if (outcome instanceof RaftkvError) reject(outcome);
        else resolve(outcome);
      };
      const late = new RaftkvError('timeout', `${peerId} did not answer in ${answerMilliseconds} ms`);
      const cancelDeadline = this.#clock.schedule(() => settle(late), answerMilliseconds);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#knocks.set(visit, { ...visitor, settle });
      this.#say({ type: 'knock', to: peerId, visit, purpose });
    });
  }

  #receive(data: unknown): void {
    const message = parseDoorMessage(data);
    if (message === undefined || message.to !== this.#options.selfId || this.#isClosed) return;
    const { from, visit, tab } = message;
    if (message.type === 'knock') return this.#welcome(message);
    if (message.type === 'pong') return this.#watch.noteAlive(tab);
    if (message.type === 'ping') {
      if (visit === this.#watch.tab) this.#say({ type: 'pong', to: from, visit: tab });
      return;
    }
    if (message.type === 'begin') return this.#welcomed.get(visit)?.();
    const knock = this.#knocks.get(visit);
    if (knock?.peerId !== from) return;
    knock.settle(message.type === 'welcome' ? message : new RaftkvError(message.code, message.message));
  }

  #welcome({ from, visit, tab, ...message }: DoorMessage & { readonly type: 'knock' }): void {
    try {
      const purpose = parsePurpose(message.purpose);
      this.#check(from, purpose);
      const pipe = crypto.randomUUID();
      const channel = this.#openPipe(pipe, { peerId: from, purpose, isDialled: false }, tab);
      const cancelDeadline = this.#clock.schedule(() => {
        this.#welcomed.delete(visit);
        channel.close(new RaftkvError('timeout', 'nobody came to the other end'));
      }, this.#limits.answerMilliseconds);
      this.#welcomed.set(visit, () => {
        this.#welcomed.delete(visit);
        cancelDeadline();
        if (channel.isOpen) this.#options.onChannel(channel, from, purpose);
      });
      this.#say({ type: 'welcome', to: from, visit, pipe });
    } catch (error) {
      const { code, message: reason } = RaftkvError.from(error);
      this.#say({ type: 'refusal', to: from, visit, code, message: reason.slice(0, 200) });
    }
  }

  /** Throws to refuse somebody who knocks. */
  #check(from: string, purpose: ChannelPurpose): void {
    this.#departed.check(from, purpose);
    if (this.#options.isWelcome?.(from, purpose) === false) {
      throw new RaftkvError('wrong_member', `${from} is not welcome here as a ${purpose}`);
    }
    const { maxChannels, maxClientChannels } = this.#limits;
    const clients = [...this.#channels.values()].filter((each) => each.purpose === 'client' && !each.isDialled);
    const isFull = purpose === 'client' && clients.length >= maxClientChannels;
    if (isFull || this.channels >= maxChannels) throw tooMany();
  }

  #openPipe(pipe: string, visitor: Visitor, tab: string): Channel {
    const { peerId } = visitor;
    const channel = broadcastChannel(this.#openPort(`raftkv pipe ${pipe}`), {
      remote: peerId,
      ...this.#options.channel,
      onEnded: () => {
        this.#channels.delete(channel);
        stopWatching();
      },
    });
    this.#channels.set(channel, visitor);
    const gone = (): void => channel.close(new RaftkvError('connection_lost', `the tab of ${peerId} is gone`));
    const stopWatching = this.#watch.watch(peerId, tab, gone);
    return channel;
  }

  #openPort(name: string): BroadcastPort {
    return this.#options.openPort?.(name) ?? new BroadcastChannel(name);
  }

  #say(message: Unsigned<DoorMessage>): void {
    this.#port.postMessage({ version: 1, from: this.#options.selfId, tab: this.#watch.tab, ...message });
  }
}

type Unsigned<Message> = Message extends unknown ? Omit<Message, 'version' | 'from' | 'tab'> : never;

/** Missing in Node before 24.5, and where the page is not secure. */
function runtimeLocks(): TabLocks | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: TabLocks } }).navigator?.locks;
}

function tooMany(): RaftkvError {
  return new RaftkvError('busy', 'no further channels at the moment');
}
