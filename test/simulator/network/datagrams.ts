// A Transport straight between replicas, below the mesh, that does what its contract allows: messages are lost, repeated, late and out of order. The
// bytes are those of the production codec. One thing is spared, as the contract says: a request to append is not repeated.
import type { Message, PeerId } from '@raftkv/raft';
import type { Transport, TransportHandlers } from '@raftkv/transport';
import { decodePeerFrame, encodePeerFrame } from '@raftkv/wire';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Links } from './links.ts';

export interface DatagramWeather {
  readonly loss: number;
  readonly duplication: number;
  /** Share of the losses that the sender is told of. */
  readonly toldShare: number;
}

export class DatagramNetwork {
  readonly links: Links;
  readonly random: Random;
  readonly weather: DatagramWeather;
  readonly #running = new Map<PeerId, DatagramTransport>();
  readonly #onDelivery: (message: Message) => void;

  constructor(links: Links, random: Random, weather: DatagramWeather, onDelivery: (message: Message) => void) {
    this.links = links;
    this.random = random;
    this.weather = weather;
    this.#onDelivery = onDelivery;
  }

  open(id: PeerId, process: Process): Transport {
    return new DatagramTransport(this, id, process);
  }

  at(id: PeerId): DatagramTransport | undefined {
    const transport = this.#running.get(id);
    return transport?.process.isAlive === true ? transport : undefined;
  }

  started(id: PeerId, transport: DatagramTransport): void {
    this.#running.set(id, transport);
  }

  carry(from: DatagramTransport, message: Message): void {
    const { links, random, weather } = this;
    const to = this.at(message.to);
    if (to === undefined) return from.dropped(message.to);
    const [source, target] = [from.process.host, to.process.host];
    if (links.isCut(source, target) || (!links.isCalm && random.chance(weather.loss))) return from.dropped(message.to);
    const frame = encodePeerFrame([message]);
    this.#deliver(frame, to, links.latency(source, target));
    if (message.type === 'proposeRequest' || links.isCalm || !random.chance(weather.duplication)) return;
    this.#deliver(frame, to, links.latency(source, target) * (1 + random.below(8)));
  }

  #deliver(frame: Uint8Array, to: DatagramTransport, latency: number): void {
    to.process.after(latency, () => {
      for (const message of decodePeerFrame(frame)) {
        this.#onDelivery(message);
        to.receive(message);
      }
    });
  }
}

class DatagramTransport implements Transport {
  readonly process: Process;
  readonly #network: DatagramNetwork;
  readonly #id: PeerId;
  #handlers: TransportHandlers | undefined;

  constructor(network: DatagramNetwork, id: PeerId, process: Process) {
    this.#network = network;
    this.#id = id;
    this.process = process;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#network.started(this.#id, this);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#network.carry(this, message);
  }

  isConnected(peer: PeerId): boolean {
    const to = this.#network.at(peer);
    return to !== undefined && !this.#network.links.isCut(this.process.host, to.process.host);
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    return Promise.resolve();
  }

  receive(message: Message): void {
    this.#handlers?.onMessage(message);
  }

  dropped(peer: PeerId): void {
    const { random, weather } = this.#network;
    if (random.chance(weather.toldShare)) this.process.after(1, () => this.#handlers?.onUnreachable(peer));
  }
}
