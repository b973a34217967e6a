// Which host reaches which at the moment, and how long it takes: one-way links between hosts, each of which may be cut by several faults at
// once. Channels and datagrams ask here; the faults decide.
import type { Random } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';

export interface LinkWeather {
  /** One way, in milliseconds. */
  readonly minLatency: number;
  readonly meanLatency: number;
  /** Share of deliveries that take ten times as long or more. */
  readonly slowShare: number;
}

export class Links {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #weather: LinkWeather;
  readonly #hosts: number;
  /** How many faults cut the way from one host to another. */
  readonly #cuts: Uint8Array;
  readonly #delays: Float64Array;
  readonly #onOpen: (() => void)[] = [];
  isCalm = false;

  constructor(scheduler: Scheduler, random: Random, hosts: number, weather: LinkWeather) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#weather = weather;
    this.#hosts = hosts;
    this.#cuts = new Uint8Array(hosts * hosts);
    this.#delays = new Float64Array(hosts * hosts);
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts[from * this.#hosts + to]! > 0;
  }

  /** Cuts these ways (those for which `isMeant` says so). Answers the function that mends them. */
  cut(isMeant: (from: number, to: number) => boolean): () => void {
    const meant: number[] = [];
    for (let from = 0; from < this.#hosts; from++) {
      for (let to = 0; to < this.#hosts; to++) {
        if (from !== to && isMeant(from, to)) meant.push(from * this.#hosts + to);
      }
    }
    for (const link of meant) this.#cuts[link]!++;
    let isMended = false;
    return () => {
      if (isMended) return;
      isMended = true;
      for (const link of meant) this.#cuts[link]!--;
      this.#opened();
    };
  }

  /** Makes these ways slower by so many milliseconds, until it is called again with 0. */
  slow(isMeant: (from: number, to: number) => boolean, milliseconds: number): void {
    for (let from = 0; from < this.#hosts; from++) {
      for (let to = 0; to < this.#hosts; to++) {
        if (from !== to && isMeant(from, to)) this.#delays[from * this.#hosts + to] = milliseconds;
      }
    }
  }

  latency(from: number, to: number): number {
    const { minLatency, meanLatency, slowShare } = this.#weather;
    if (this.isCalm) return minLatency + this.#random.next() * meanLatency * 0.5;
    let latency = minLatency + this.#random.exponential(meanLatency);
    if (slowShare > 0 && this.#random.chance(slowShare)) latency *= 10 + this.#random.below(20);
    return latency + this.#delays[from * this.#hosts + to]!;
  }

  /** `listener` is called, soon, when a way that was cut is open again. */
  onOpen(listener: () => void): void {
    this.#onOpen.push(listener);
  }

  #opened(): void {
    this.#scheduler.after(0, undefined, () => {
      for (const listener of this.#onOpen) listener();
    });
  }
}
