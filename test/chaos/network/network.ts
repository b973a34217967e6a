// What a network of members can be made to do, whatever it is made of: namespaces.ts builds it from the kernel's parts, loopback.ts
// from proxies alone. Faults ask for it by the numbers of members; each answer heals what it did and nothing else.
import type { Site } from '../../e2e/harness/cluster.ts';

/** Undoes one fault. */
export type Heal = () => Promise<void>;

/** One way between two members. */
export interface Way {
  readonly from: number;
  readonly to: number;
}

export interface Network extends Site {
  /** For people: what it is made of. */
  readonly description: string;
  /** Whether single packets can be lost, and members be cut off from clients. */
  readonly hasPackets: boolean;
  /** Whether each member has one address for all, as a list of members that changes needs. */
  readonly hasOneAddressEach: boolean;
  /** Nothing gets through on these ways. Connections are not closed: their ends find out by themselves. */
  block(ways: readonly Way[]): Promise<Heal>;
  /** Each packet that comes to these members is lost with this probability, from members and clients alike. Needs packets. */
  lose(members: readonly number[], percent: number): Promise<Heal>;
  /** Nothing comes to these members or leaves them, clients included. Needs packets. */
  isolate(members: readonly number[]): Promise<Heal>;
  /** Bytes on these ways take longer, by a fixed and a random part. */
  slow(ways: readonly Way[], delayMilliseconds: number, jitterMilliseconds: number): Promise<Heal>;
  /** Bytes on these ways are held back, and arrive late when it heals; or they are lost, with their connections. */
  hold(ways: readonly Way[], end: 'deliver' | 'lose'): Promise<Heal>;
  /** Resets every connection between the two. */
  cut(first: number, second: number): Promise<void>;
  close(): Promise<void>;
}

/** Every way between the groups, in both directions. */
export function waysBetween(first: readonly number[], second: readonly number[]): Way[] {
  return first.flatMap((one) =>
    second.flatMap((other) => [
      { from: one, to: other },
      { from: other, to: one },
    ]),
  );
}
