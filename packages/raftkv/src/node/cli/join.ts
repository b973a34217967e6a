// `raftkv join`: a new member of a running cluster, in this process. With a directory that holds one of that cluster already it only goes on.
import { RaftkvError } from '@raftkv/wire';
import type { MemberPlan } from '@raftkv/wire';
import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { settings } from '../settings.ts';
import { endpointList } from './endpoints.ts';
import { flagsOf, runMember, withSettings } from './serve.ts';
import type { SettingOptions } from './serve.ts';

/** What only founding asks for. */
const founding: ReadonlySet<string> = new Set(['peers', 'clusterToken']);

export function addJoinCommand(program: Command): void {
  const command = program
    .command('join')
    .description('run one member: join a running cluster, or go on from a data directory')
    .requiredOption('--endpoints <LIST>', 'HOST:PORT of some or all members of the cluster, separated by commas')
    .option('--learner', 'do not vote when it has caught up, until `raftkv member promote`')
    .option('--replace <MEMBER>', 'when it has caught up, take the place of this member, by id or name, in one step');
  const offered = settings.filter(({ name }) => !founding.has(name));
  withSettings(command, offered).action(async ({ learner, replace, ...options }: JoinCommandOptions) => {
    const config = loadConfig(flagsOf(options), options.config);
    if (options.id === undefined && config.nodeId === 'node1' && options.config === undefined) {
      throw new RaftkvError('config_invalid', '--id: a new member needs a name that no other member has');
    }
    const plan = planOf(learner === true, replace);
    const endpoints = endpointList(options.endpoints!);
    await runMember(config, { endpoints, ...(plan === undefined ? {} : { plan }) });
  });
}

interface JoinFlags {
  readonly learner?: boolean;
  readonly replace?: string;
}
type JoinCommandOptions = JoinFlags & Omit<SettingOptions, keyof JoinFlags>;

function planOf(isLearner: boolean, replaces: string | undefined): MemberPlan | undefined {
  if (isLearner && replaces !== undefined) {
    throw new RaftkvError('invalid_argument', '--learner and --replace: a learner takes nobody’s place');
  }
  return isLearner ? 'stay' : replaces === undefined ? undefined : { replaces };
}
