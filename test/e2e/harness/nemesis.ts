// The nemesis: kills, pauses and restarts one or two nodes at a time, of five, in an order that a seed decides. It heals them
// before it goes on, or passes the baton: the paused wake as others fall. But for that moment a majority is always left.
import { seededRandom } from '../../linearizability/simulate.ts';
import type { Cluster } from './cluster.ts';
import { sleep } from './wait.ts';

const ACTIONS = ['kill', 'pause', 'stop'] as const;
type Action = (typeof ACTIONS)[number];

export interface NemesisEvent {
  readonly atMilliseconds: number;
  readonly what: string;
}

export interface NemesisOptions {
  readonly seed: number;
  /** How long victims stay down: from 300 ms to this. Default 2500. */
  readonly holdMilliseconds?: number;
  /** How many nodes at a time. Default 2. */
  readonly mostVictims?: 1 | 2;
  /** Which actions. Default all. */
  readonly actions?: readonly Action[];
}

export class Nemesis {
  readonly events: NemesisEvent[] = [];
  private readonly cluster: Cluster;
  private readonly options: NemesisOptions;
  private readonly random: () => number;
  private readonly startedAt = performance.now();
  private isStopping = false;
  private running: Promise<void> | undefined;

  constructor(cluster: Cluster, options: NemesisOptions) {
    this.cluster = cluster;
    this.options = options;
    this.random = seededRandom(options.seed);
  }

  start(): void {
    this.running = this.run();
    // Its failure is told by stop(); until then it must not count as unhandled.
    this.running.catch(() => undefined);
  }

  /** Returns once everything is healed. Throws if a node could not be stopped or started. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.running;
  }

  describe(): string {
    return this.events.map(({ atMilliseconds, what }) => `${(atMilliseconds / 1000).toFixed(1)} s: ${what}`).join('\n');
  }

  private async run(): Promise<void> {
    const actions = this.options.actions ?? ACTIONS;
    let spared: readonly number[] = [];
    while (!this.isStopping) {
      const victims = await this.pickVictims(spared);
      const action = actions[Math.floor(this.random() * actions.length)]!;
      const hold = 300 + this.random() * ((this.options.holdMilliseconds ?? 2500) - 300);
      this.log(`${action} ${victims.map((node) => this.cluster.name(node)).join(' and ')} for ${Math.round(hold)} ms`);
      const harmed = Promise.all(victims.map((node) => this.harm(node, action)));
      for (const node of spared) this.cluster.resume(node);
      await harmed;
      await sleep(hold);
      // The baton passes: those who were paused wake in the very moment that others fall, and know nothing of what happened meanwhile.
      // Were a quorum one too small, they would now forget it.
      spared = action === 'pause' && !this.isStopping && this.random() < 0.6 ? victims : [];
      if (spared.length > 0) continue;
      await Promise.all(victims.map((node) => this.heal(node, action)));
      this.log('healed');
      await sleep(200 + this.random() * 800);
    }
    for (const node of spared) this.cluster.resume(node);
  }

  /** One or two nodes that are not `spared`; half of the time, and always when the baton passes, the leader is among them. */
  private async pickVictims(spared: readonly number[]): Promise<number[]> {
    const isOne = this.random() < 0.5 && spared.length === 0;
    const count = isOne || this.options.mostVictims === 1 ? 1 : 2;
    const wantsLeader = this.random() < 0.5 || spared.length > 0;
    const others = Array.from({ length: this.cluster.size }, (_, node) => node).filter(
      (node) => !spared.includes(node),
    );
    for (let at = others.length - 1; at > 0; at--) {
      const to = Math.floor(this.random() * (at + 1));
      [others[at], others[to]] = [others[to]!, others[at]!];
    }
    if (!wantsLeader) return others.slice(0, count);
    const leader = await this.cluster.leader(15_000).catch(() => undefined);
    if (leader === undefined || spared.includes(leader)) return others.slice(0, count);
    return [leader, ...others.filter((node) => node !== leader)].slice(0, count);
  }

  private async harm(node: number, action: Action): Promise<void> {
    if (action === 'kill') await this.cluster.kill(node);
    else if (action === 'stop') await this.cluster.stop(node);
    else this.cluster.pause(node);
  }

  private async heal(node: number, action: Action): Promise<void> {
    if (action === 'pause') this.cluster.resume(node);
    else await this.cluster.start(node);
  }

  private log(what: string): void {
    this.events.push({ atMilliseconds: performance.now() - this.startedAt, what });
  }
}
