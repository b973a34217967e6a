// `raftkv serve`: one member in this process, until a signal or a failure ends it. `join.ts` runs one that way too.
import type { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import type { Flags, NodeConfig } from '../config.ts';
import type { JoinOptions } from '../join-cluster.ts';
import { createLogger } from '../logger.ts';
import { settings } from '../settings.ts';
import type { Setting } from '../settings.ts';
import type { RunningNode } from '../start-node.ts';
import { pageOf } from './dev-page.ts';

/** How long a clean shutdown may take before the process ends anyway: an election timeout to hand over, what HTTP waits for requests at work, and the disk; less than the 10 s after which containers are killed. */
const shutdownMilliseconds = 9_000;

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description(
      'run one member: found a cluster with the others in the list of peers, or go on from a data directory',
    );
  withSettings(command, settings).action(async (options: SettingOptions) => {
    await runMember(loadConfig(flagsOf(options), options.config));
  });
}

export type SettingOptions = Readonly<Record<string, string | undefined>>;

/** Adds `--config` and a flag for each setting. */
export function withSettings(
  command: Command,
  offered: readonly Pick<Setting, 'flag' | 'placeholder' | 'help'>[],
): Command {
  command.option('--config <FILE>', 'YAML file; every flag overrides its key');
  for (const { flag, placeholder, help } of offered) command.option(`${flag} <${placeholder}>`, help);
  return command;
}

export function flagsOf(options: SettingOptions): Flags {
  const flags = new Map<string, string>();
  for (const { flag } of settings) {
    const value = options[camelCase(flag)];
    if (value !== undefined) flags.set(flag, value);
  }
  return flags;
}

/** Until a signal or a failure ends it; the process ends with it. */
export async function runMember(config: NodeConfig, join?: JoinOptions): Promise<void> {
  outliveReaders();
  // From here on, so that a signal while a long log is read back ends in a clean stop too.
  const signalled = stopSignal();
  const logger = createLogger(config.nodeId, config.logLevel);
  if (!config.syncWrites) logger.log('WARN', 'storage.sync_write is false: a power cut may lose acknowledged writes');
  if (config.leaseReads)
    logger.log('WARN', 'raft.lease_reads is true: reads may be stale if clocks drift by more than 10 %');
  let onHalt: (error: RaftkvError) => void = () => {};
  const halted = new Promise<RaftkvError>((resolve) => {
    onHalt = resolve;
  });
  // Loaded here alone: a member is most of what there is to load, and a command that only asks should not wait for it.
  const { startNode } = await import('../start-node.ts');
  const page = pageOf(process.env);
  const node = await startNode(config, {
    logger,
    onHalt: (error) => onHalt(error),
    ...(page === undefined ? {} : { page }),
    ...(join === undefined ? {} : { join }),
  });
  process.stdout.write(`raftkv ${config.nodeId} ready at http://${formatHost(node.host)}:${node.port}\n`);
  const failure = await Promise.race([halted, signalled]);
  if (failure !== undefined) return end(config, node, failure);
  logger.log('INFO', 'stopping');
  // A leader hands over first: so nobody has to wait for an election while members are restarted one after another.
  await node.close({ handOver: true });
  process.exit(0);
}

/** A member that halted has nothing more to say to its disk or its peers: what it holds in memory must not be trusted. One that was removed goes in order. */
function end({ nodeId }: NodeConfig, node: RunningNode, failure: RaftkvError): void {
  // A reader of stderr that is stuck must not keep a dead member alive, with its lock.
  setTimeout(() => process.exit(1), 1_000).unref();
  const text = `raftkv: ${nodeId} stopped: ${failure.message} [${failure.code}]\n`;
  const closed = failure.code === 'member_removed' ? node.close() : Promise.resolve();
  process.stderr.write(text, () => void closed.finally(() => process.exit(1)));
}

/** Whoever reads the output may go away (a collector of logs that restarts, `| head`). The member does not. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error');
    stream.on('error', () => undefined);
  }
}

function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        setTimeout(() => process.exit(1), shutdownMilliseconds).unref();
        resolve(undefined);
      });
    }
  });
}

function formatHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
