// Runs a script of commands over a cluster and writes down everything that is sent, written, applied and answered. A
// script is text: blocks of commands, `----`, and below it what they led to; blocks are parted by an empty line, and lines
// that begin with # say what for. transcripts.test.ts compares; the members are those of ../etcd/scenario.ts.
import type { MemberChange } from '../../src/index.ts';
import { Scenario } from '../etcd/scenario.ts';
import { describeMessage, describeReady } from '../trace.ts';

const SEPARATOR = '----';

/** The same script with what its commands lead to now. */
export function rewrite(script: string): string {
  const interpreter = new Interpreter();
  const blocks = script
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const [head = ''] = block.split(`\n${SEPARATOR}`);
      const output = head
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .flatMap((line) => interpreter.run(line));
      return [head, SEPARATOR, ...output].join('\n');
    });
  return `${blocks.join('\n\n')}\n`;
}

type Words = readonly string[];

/** `promote:4`, `demote:4`, `remove:4`. */
function changeOf(word: string): MemberChange {
  const [type, id = ''] = word.split(':');
  if (type !== 'promote' && type !== 'demote' && type !== 'remove') throw new Error(`no change ${word}`);
  return { type, id };
}

class Interpreter {
  #scenario: Scenario | undefined;
  readonly #commands: Readonly<Record<string, (words: Words) => void>> = {
    members: (words) => this.#begin(words),
    campaign: ([id]) => this.scenario.campaign(id!),
    elect: ([id]) => this.scenario.elect(id!),
    transfer: ([id, to]) => this.scenario.input(id!, { type: 'transferLeadership', context: 0, to }),
    propose: ([id, ...texts]) => this.scenario.propose(id!, ...texts),
    read: ([id, ...contexts]) => this.scenario.read(id!, ...contexts.map(Number)),
    tick: ([id, count = '1']) => this.scenario.tick(id!, Number(count)),
    outwait: (ids) => this.scenario.outwait(ids.join('')),
    stabilize: (ids) => this.scenario.stabilize(ids.length === 0 ? this.scenario.ids.join('') : ids.join('')),
    deliver: (ids) => this.scenario.deliverTo(ids.join('')),
    drop: (ids) => this.#drop(ids),
    work: (ids) => ids.forEach((id) => this.scenario.work(id)),
    'hold-disk': ([id]) => this.scenario.holdDisk(id!),
    'release-disk': ([id]) => this.scenario.releaseDisk(id!),
    persist: ([id]) => this.scenario.persistOne(id!),
    change: ([id, ...changes]) => this.scenario.change(id!, ...changes.map(changeOf)),
    unreachable: ([id, peer]) => this.scenario.reportUnreachable(id!, peer!),
    compact: ([id, keep = '0']) => this.scenario.compact(id!, Number(keep)),
    crash: ([id]) => this.scenario.crash(id!),
    restart: ([id]) => this.scenario.restart(id!),
    isolate: ([id]) => this.scenario.isolate(id!),
    heal: () => this.scenario.heal(),
    status: (ids) => this.#status(ids),
    log: ([id]) => this.scenario.note(this.scenario.log(id!)),
  };

  get scenario(): Scenario {
    if (this.#scenario === undefined) throw new Error('the first command is `members`');
    return this.#scenario;
  }

  /** What the command led to. */
  run(line: string): string[] {
    const [name = '', ...words] = line.split(' ');
    const command = this.#commands[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    command(words);
    return this.scenario.takeTrace();
  }

  /** `members 123+4 index=10 inflight=2`. */
  #begin([members, ...settings]: Words): void {
    const [voters = '', learners = ''] = members!.split('+');
    const numbers = Object.fromEntries(
      settings.map((setting) => {
        const [name, value] = setting.split('=');
        return [name!, Number(value)];
      }),
    );
    const { index = 0, inflight = 256, chunk = 256 } = numbers;
    this.#scenario = new Scenario(voters, {
      learners,
      index,
      inflight,
      raft: { snapshotChunkBytes: chunk, maxAppendEntries: 1000 },
    });
    const { scenario } = this;
    for (const id of scenario.ids) {
      scenario.member(id).onReady = (ready) => describeReady(id, ready).forEach((line) => scenario.note(line));
    }
  }

  #drop(ids: Words): void {
    for (const message of this.scenario.lose(({ to }) => ids.includes(to))) {
      this.scenario.note(`lost: ${describeMessage(message)}`);
    }
  }

  #status(ids: Words): void {
    const { scenario } = this;
    const shown = ids.length === 0 ? scenario.ids : ids;
    for (const line of scenario.state(shown.join(''))) scenario.note(line);
    for (const id of shown) for (const line of scenario.progress(id)) scenario.note(`${id} → ${line}`);
  }
}
