// The commands about the members of a cluster and its leader: `member list | add | remove | promote | replace | update`, and `transfer-leader`. What they print is
// here, what they do is the cluster's business.
import type { ClusterMember, ClusterMembers } from '@raftkv/client';
import { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { parseDuration } from '../units.ts';
import { print, printJson, withEndpoints, withKv } from './endpoints.ts';
import type { ByteKv, EndpointOptions } from './endpoints.ts';
import { describeMembers, membersJson } from './member-text.ts';

/** Between two looks at whether a replacement is done. */
const lookMilliseconds = 100;

export function addMemberCommands(program: Command): void {
  const member = program
    .command('member')
    .description('who is a member of the cluster; members are named by id or name');
  const add = (usage: string, description: string): Command =>
    withEndpoints(member.command(usage).description(description));
  add('list', 'print the members').action((options: EndpointOptions) => show(options, (kv) => kv.members.list()));
  add('add <NAME> <ADDRESS>', 'keep a place for a member that joins later; `raftkv join` needs none')
    .option('--learner', 'it does not vote when it has caught up')
    .action((name: string, address: string, options: EndpointOptions & { readonly learner?: boolean }) =>
      withKv(options, async (kv) => {
        const plan = options.learner === true ? 'stay' : 'promote';
        await showOne(
          options,
          await kv.members.add({ name, address, plan }),
          `to start it: raftkv join --id ${name} …`,
        );
      }),
    );
  add('remove <MEMBER>', 'remove a member; it stops when it hears of it').action(
    (word: string, options: EndpointOptions) => show(options, (kv) => kv.members.remove(word)),
  );
  add('promote <MEMBER>', 'make a voter of a learner that has caught up').action(
    (word: string, options: EndpointOptions) => show(options, (kv) => kv.members.promote(word)),
  );
  add('replace <OLD> <NEW>', 'put a learner in the place of a member, in one step, when it has caught up')
    .option('--wait <TIME>', 'how long to wait until that is done', '60s')
    .action((old: string, by: string, options: EndpointOptions & { readonly wait: string }) =>
      show(options, (kv) => replace(kv, { old, by, waitMilliseconds: parseDuration('--wait', options.wait) })),
    );
  add('update <MEMBER>', 'give a member another name or address')
    .option('--name <NAME>', 'its new name')
    .option('--address <HOST:PORT>', 'where the others reach it now')
    .action((word: string, options: EndpointOptions & { readonly name?: string; readonly address?: string }) =>
      show(options, (kv) => kv.members.update(word, options)),
    );
  withEndpoints(
    program
      .command('transfer-leader [MEMBER]')
      .description('hand leadership to a voter, by id or name, or to the best one'),
  ).action((word: string | undefined, options: EndpointOptions) =>
    withKv(options, async (kv) => showOne(options, await kv.transferLeader(word), 'leads')),
  );
}

async function show(options: EndpointOptions, ask: (kv: ByteKv) => Promise<ClusterMembers>): Promise<void> {
  const members = await withKv(options, ask);
  if (options.json === true) printJson(membersJson(members));
  else await print(describeMembers(members));
}

async function showOne(options: EndpointOptions, member: ClusterMember, note: string): Promise<void> {
  const { id, name, address } = member;
  if (options.json === true) printJson({ id, name, address });
  else await print(`${name} (${id}) at ${address}: ${note}\n`);
}

/** Arranges it, and waits until it is done: the cluster sees to it either way. */
async function replace(
  kv: ByteKv,
  { old, by, waitMilliseconds }: { readonly old: string; readonly by: string; readonly waitMilliseconds: number },
): Promise<ClusterMembers> {
  const named = (members: ClusterMembers, word: string): ClusterMember | undefined =>
    members.members.find(({ id }) => id === word) ?? members.members.find(({ name }) => name === word);
  const before = await kv.members.list();
  const leaving = named(before, old);
  let members = await kv.members.replace(old, by);
  const joining = named(members, by);
  const deadline = Date.now() + waitMilliseconds;
  const isDone = (): boolean =>
    !members.isChanging &&
    members.members.every(({ id }) => id !== leaving?.id) &&
    members.members.some(({ id, role }) => id === joining?.id && role === 'voter');
  while (!isDone()) {
    if (Date.now() >= deadline) {
      throw new RaftkvError(
        'timeout',
        `${by} has not caught up yet; the cluster puts it in the place of ${old} when it has`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    members = await kv.members.list();
  }
  return members;
}
