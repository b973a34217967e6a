// The links of the laboratory, all within this page: channels in memory between processes that stand on the same side of a partition. Two processes may go by
// one address, as a tab and its clone do.
import { memoryChannelPair } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { RaftkvError } from 'raftkv';

export type Purpose = 'peer' | 'client';

export interface Station {
  /** As members dial it. */
  readonly address: string;
  readonly accept: (channel: Channel, purpose: Purpose) => void;
}

interface Pipe {
  readonly from: Station;
  readonly to: Station;
  readonly cut: () => void;
}

export class LabNetwork {
  readonly #stations = new Set<Station>();
  readonly #pipes = new Set<Pipe>();
  /** Which side each is on. All on one, to begin with. */
  readonly #sides = new Map<Station, number>();

  add(station: Station, side = 0): void {
    this.#stations.add(station);
    this.#sides.set(station, side);
  }

  /** Its process died: nobody hears a word. */
  remove(station: Station): void {
    this.#stations.delete(station);
    for (const pipe of this.#pipes) if (pipe.from === station || pipe.to === station) this.#cut(pipe);
  }

  /** Links between different sides are cut. */
  move(station: Station, side: number): void {
    this.#sides.set(station, side);
    for (const pipe of this.#pipes) if (!this.canReach(pipe.from, pipe.to)) this.#cut(pipe);
  }

  canReach(from: Station, to: Station): boolean {
    return this.#stations.has(to) && this.#sides.get(from) === this.#sides.get(to);
  }

  /** The one of that address that this one reaches. */
  find(from: Station, address: string): Station | undefined {
    return [...this.#stations].find((to) => to.address === address && to !== from && this.canReach(from, to));
  }

  async dial(from: Station, address: string, purpose: Purpose): Promise<Channel> {
    const to = purpose === 'client' && from.address === address ? from : this.find(from, address);
    if (to === undefined) throw new RaftkvError('connect_failed', `${address} cannot be reached`);
    const pair = memoryChannelPair();
    this.#pipes.add({ from, to, cut: () => pair.cut() });
    to.accept(pair.right, purpose);
    return pair.left;
  }

  #cut(pipe: Pipe): void {
    this.#pipes.delete(pipe);
    pipe.cut();
  }
}
