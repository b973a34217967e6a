// `raftkv serve`: one member in this process, until a signal or a failure ends it.
import type { RaftkvError } from '@raftkv/wire';
import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import type { Flags } from '../config.ts';
import { createLogger } from '../logger.ts';
import { settings } from '../settings.ts';

/** How long a clean shutdown may take before the process ends anyway. */
const shutdownMilliseconds = 5_000;

export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('run one member of a cluster')
    .option('--config <FILE>', 'YAML file; every flag overrides its key');
  for (const { flag, placeholder, help } of settings) command.option(`${flag} <${placeholder}>`, help);
  command.action(async (options: Record<string, string | undefined>) => {
    const flags = new Map<string, string>();
    for (const { flag } of settings) {
      const value = options[camelCase(flag)];
      if (value !== undefined) flags.set(flag, value);
    }
    await serve(flags, options.config);
  });
}

async function serve(flags: Flags, configFile: string | undefined): Promise<void> {
  const config = loadConfig(flags, configFile);
  const logger = createLogger(config.nodeId, config.logLevel);
  if (!config.syncWrites) logger.log('WARN', 'storage.sync_write is false: a power cut may lose acknowledged writes');
  let onHalt: (error: RaftkvError) => void = () => {};
  const halted = new Promise<RaftkvError>((resolve) => {
    onHalt = resolve;
  });
  // Loaded here alone: a member is most of what there is to load, and a command that only asks should not wait for it.
  const { startNode } = await import('../start-node.ts');
  const node = await startNode(config, { logger, onHalt: (error) => onHalt(error) });
  process.stdout.write(`raftkv ${config.nodeId} ready at http://${formatHost(config.host)}:${node.port}\n`);
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
  const failure = await Promise.race([halted, signalled]);
  // A member that halted has nothing more to say to its disk or its peers: what it holds in memory must not be trusted.
  if (failure !== undefined) {
    process.stderr.write(`raftkv: ${config.nodeId} stopped: ${failure.message} [${failure.code}]\n`, () =>
      process.exit(1),
    );
    return;
  }
  logger.log('INFO', 'stopping');
  setTimeout(() => process.exit(1), shutdownMilliseconds).unref();
  await node.close();
  process.exit(0);
}

function formatHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
