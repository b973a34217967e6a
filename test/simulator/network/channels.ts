// Sockets between processes: dialling, listening, and pipes that do what sockets do. Frames arrive in order or not at all; a way that is cut holds
// them back; a pipe that breaks loses its tail; a host that loses its power leaves the other side with a pipe that is half open.
import { defaultChannelLimits } from '@raftkv/transport';
import type { Channel, ChannelLimits } from '@raftkv/transport';
import { RaftkvError } from '@raftkv/wire';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import type { Links } from './links.ts';
import { SimulatedChannel } from './simulated-channel.ts';
import type { ChannelPath } from './simulated-channel.ts';

interface Door {
  readonly process: Process;
  readonly onChannel: (channel: Channel) => void;
}

interface Dialling {
  readonly from: Process;
  readonly to: number;
  readonly knock: () => void;
}

/** A connection between two processes. */
export interface Pipe {
  readonly ends: readonly [SimulatedChannel, SimulatedChannel];
}

export class ChannelNetwork {
  readonly #scheduler: Scheduler;
  readonly #links: Links;
  readonly #random: Random;
  readonly #limits: ChannelLimits;
  readonly #doors = new Map<string, Door>();
  readonly #pipes = new Set<Pipe>();
  /** Whose first packet is held up by a cut. */
  readonly #dialling = new Set<Dialling>();

  constructor(scheduler: Scheduler, links: Links, random: Random, limits: ChannelLimits = defaultChannelLimits) {
    this.#scheduler = scheduler;
    this.#links = links;
    this.#random = random;
    this.#limits = limits;
    links.onOpen(() => this.#flush());
  }

  get pipes(): ReadonlySet<Pipe> {
    return this.#pipes;
  }

  /** The process takes channels at this door of its host until it dies. */
  listen(process: Process, route: string, onChannel: (channel: Channel) => void): void {
    this.#doors.set(`${process.host}/${route}`, { process, onChannel });
  }

  dial(from: Process, to: number, route: string, signal: AbortSignal): Promise<Channel> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const fail = (error: RaftkvError): void => {
        if (isOver) return;
        isOver = true;
        this.#dialling.delete(dialling);
        reject(error);
      };
      const knock = (): void => {
        if (isOver || !from.isAlive) return void this.#dialling.delete(dialling);
        if (this.#links.isCut(from.host, to)) return void this.#dialling.add(dialling);
        this.#dialling.delete(dialling);
        const latency = this.#links.latency(from.host, to);
        this.#scheduler.after(latency, undefined, () => {
          if (isOver || !from.isAlive) return;
          const door = this.#doors.get(`${to}/${route}`);
          if (door === undefined || !door.process.isAlive) {
            const refused = new RaftkvError('connect_failed', `nobody listens at ${to}/${route}`);
            from.after(latency, () => fail(refused));
            return;
          }
          // The kernel of a paused process takes the connection; the process sees it when it goes on.
          const { ends } = this.#connect(from, door.process, route);
          door.process.after(0, () => door.onChannel(ends[1]));
          from.after(latency, () => {
            if (isOver) return ends[0].close();
            isOver = true;
            resolve(ends[0]);
          });
        });
      };
      const dialling: Dialling = { from, to, knock };
      signal.addEventListener('abort', () => fail(new RaftkvError('connect_failed', 'given up')), { once: true });
      if (signal.aborted) fail(new RaftkvError('connect_failed', 'given up'));
      else knock();
    });
  }

  /** The pipe breaks: what is under way is lost, and both ends hear of it sooner or later. */
  breakPipe(pipe: Pipe): void {
    for (const end of pipe.ends) end.breakOff(this.#random.exponential(5));
    this.#pipes.delete(pipe);
  }

  /** Nothing passes any more in one direction or both, and nobody is told: a middle box forgot it. */
  freezePipe(pipe: Pipe, directions: 'both' | 'one'): void {
    pipe.ends[0].freeze();
    if (directions === 'both') pipe.ends[1].freeze();
  }

  /** The process died. `isTold`: its kernel lives on and closes its sockets; else the others are left with half-open pipes. */
  died(process: Process, isTold: boolean): void {
    for (const pipe of this.#pipes) {
      const [left, right] = pipe.ends;
      if (left.process !== process && right.process !== process) continue;
      const other = left.process === process ? right : left;
      if (isTold) other.breakOff(this.#links.latency(process.host, other.process.host));
      else other.freeze();
      this.#pipes.delete(pipe);
    }
  }

  #connect(from: Process, to: Process, route: string): Pipe {
    const there = this.#path(from.host, to.host);
    const back = this.#path(to.host, from.host);
    const left = new SimulatedChannel(from, `${to.name}/${route}`, there, this.#limits);
    const right = new SimulatedChannel(to, `${from.name}/${route}`, back, this.#limits);
    left.join(right);
    right.join(left);
    const pipe: Pipe = { ends: [left, right] };
    this.#pipes.add(pipe);
    const forget = (): void => {
      if (left.isOver && right.isOver) this.#pipes.delete(pipe);
    };
    left.onOver = forget;
    right.onOver = forget;
    return pipe;
  }

  #path(from: number, to: number): ChannelPath {
    return { isCut: () => this.#links.isCut(from, to), latency: () => this.#links.latency(from, to) };
  }

  #flush(): void {
    for (const dialling of [...this.#dialling]) dialling.knock();
    for (const { ends } of this.#pipes) for (const end of ends) end.flush();
  }
}
