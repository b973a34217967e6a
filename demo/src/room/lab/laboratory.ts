// The laboratory: three members in this page, a workload at each, one checker over all of it, and two stories in which one safety rule decides. Told with the rule
// kept, nothing happens; told with it broken, what was acknowledged is lost, and the checker sees it.
import { tabAddress } from '@raftkv/server';
import { deleteIndexedDbStorage } from '@raftkv/storage/web';
import { Observable } from '../../model/observable.ts';
import { RegisterChecker } from '../checker/register-checker.ts';
import type { CheckerCount, Violation } from '../checker/register-checker.ts';
import { Workload } from '../checker/workload.ts';
import { Emitter } from '../source/emitter.ts';
import type { Flight } from '../source/room-source.ts';
import type { RoomView } from '../source/room-view.ts';
import { LabMember } from './lab-member.ts';
import { LabNetwork } from './lab-network.ts';
import { viewLab } from './lab-view.ts';
import { tell } from './stories.ts';
import type { StoryName } from './stories.ts';

export interface Step {
  readonly text: string;
  readonly state: 'done' | 'now' | 'failed';
}

export interface LabView {
  readonly phase: 'idle' | 'running' | 'done' | 'failed';
  readonly story: StoryName;
  readonly isBroken: boolean;
  readonly steps: readonly Step[];
  readonly room: RoomView;
  readonly check: CheckerCount & { readonly found: readonly Violation[] };
  readonly problem: string | undefined;
}

const names = ['ash', 'birch', 'cedar'] as const;
const lookMilliseconds = 150;

export class Laboratory {
  readonly view: Observable<LabView>;
  readonly flights = new Emitter<Flight>();
  #members: LabMember[] = [];
  #workloads: Workload[] = [];
  #checker = new RegisterChecker();
  #network = new LabNetwork();
  #storages: string[] = [];
  #token = '';
  #story: StoryName = 'durability';
  #isBroken = true;
  #phase: LabView['phase'] = 'idle';
  #problem: string | undefined;
  #steps: Step[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.view = new Observable<LabView>(this.#look());
  }

  /** Resolves when the story is over, however it ended. */
  async run(story: StoryName, isBroken: boolean): Promise<void> {
    if (this.#phase === 'running') return;
    await this.clear();
    this.#story = story;
    this.#isBroken = isBroken;
    this.#checker = new RegisterChecker();
    this.#network = new LabNetwork();
    this.#token = crypto.randomUUID();
    this.#steps = [];
    this.#problem = undefined;
    this.#phase = 'running';
    this.#timer = setInterval(() => this.view.set(this.#look()), lookMilliseconds);
    try {
      await tell(this, story, isBroken);
      this.#finishStep('done');
      this.#phase = 'done';
    } catch (error) {
      this.#finishStep('failed');
      this.#problem = (error as Error).message;
      this.#phase = 'failed';
    }
    for (const workload of this.#workloads) workload.stop();
    this.view.set(this.#look());
  }

  /** Ends what runs, and deletes what it stored. */
  async clear(): Promise<void> {
    clearInterval(this.#timer);
    for (const workload of this.#workloads.splice(0)) workload.stop();
    await Promise.all(this.#members.splice(0).map((member) => member.close()));
    for (const storage of this.#storages.splice(0)) await deleteIndexedDbStorage(storage).catch(() => undefined);
  }

  // What stories are told with

  /** All three, founding. */
  async openAll(broken: (name: string) => LabMember['options']['broken']): Promise<readonly LabMember[]> {
    return Promise.all(names.map((name) => this.open(name, { broken: broken(name) })));
  }

  async open(
    name: string,
    {
      broken,
      label = name,
      side = 0,
      steal = false,
    }: {
      readonly broken?: LabMember['options']['broken'];
      readonly label?: string;
      readonly side?: number;
      readonly steal?: boolean;
    } = {},
  ): Promise<LabMember> {
    const storage = `lab/${this.#token}/${name}`;
    if (!this.#storages.includes(storage)) this.#storages.push(storage);
    const member = await LabMember.open({
      name,
      label,
      storage,
      token: this.#token,
      founders: names.map((each) => ({ name: each, address: tabAddress(each), kind: 'tab' as const })),
      network: this.#network,
      side,
      broken,
      steal,
      onMessage: (from, { way, peer, kind }) => {
        const to = this.#find(from, peer);
        if (way === 'sent' && to !== undefined) {
          this.flights.emit({ from: from.label, to: to.label, kind, count: 1, isLost: false });
        }
      },
      onHalt: (halted) => this.#network.remove(halted.station),
    });
    this.#members = [...this.#members.filter((other) => other.label !== label), member];
    return member;
  }

  move(member: LabMember, side: number): void {
    this.#network.move(member.station, side);
  }

  /** Puts, gets and compare-and-sets through this member, in the same history as all others. */
  work(member: LabMember): Workload {
    const client = member.label;
    const workload = new Workload({
      client,
      kv: () => (member.isDead || member.halted !== undefined ? undefined : member.kv),
      pauseMilliseconds: 40,
      timeoutMilliseconds: 1_500,
      now: () => performance.timeOrigin + performance.now(),
      onAnnounce: (value) => this.#checker.announce(value),
      onOperation: (operation) => void this.#checker.add(operation),
    });
    workload.start();
    this.#workloads.push(workload);
    return workload;
  }

  step(text: string): void {
    this.#finishStep('done');
    this.#steps.push({ text, state: 'now' });
    this.view.set(this.#look());
  }

  get count(): CheckerCount {
    return this.#checker.count;
  }

  #find(from: LabMember, peer: string): LabMember | undefined {
    return this.#members.find(
      (to) => to !== from && to.member?.node.memberId === peer && this.#network.canReach(from.station, to.station),
    );
  }

  #finishStep(state: Step['state']): void {
    this.#steps = this.#steps.map((step) => (step.state === 'now' ? { ...step, state } : step));
  }

  #look(): LabView {
    return {
      phase: this.#phase,
      story: this.#story,
      isBroken: this.#isBroken,
      steps: this.#steps,
      room: viewLab(this.#members, (a, b) => this.#network.canReach(a.station, b.station)),
      check: { ...this.#checker.count, found: [...this.#checker.violations] },
      problem: this.#problem,
    };
  }
}
