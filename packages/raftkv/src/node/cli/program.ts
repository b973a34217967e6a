// The commands of `raftkv` with their options, wired to what carries them out. Parsing and help are commander's.
import { Command, CommanderError } from 'commander';
import { addDevCommand } from './dev.ts';
import { addServeCommand } from './serve.ts';
import { version } from '../version.ts';

/** Runs one command; resolves with the exit code. Throws RaftkvError for what the user should hear in one line. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const exitCode = 0;
  const program = new Command('raftkv')
    .description('A linearizable key-value store for the web platform.')
    .version(version)
    .showHelpAfterError('(raftkv --help lists the commands)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`raftkv: ${text.replace(/^error: /, '')}`) });
  addServeCommand(program);
  addDevCommand(program);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    // Commander has already said what is wrong; help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return exitCode;
}
