// The commands of `raftkv` with their options, wired to what carries them out. Parsing and help are commander's.
import { Command, CommanderError } from 'commander';
import { addAskingCommands } from './asking.ts';
import { addBenchCommand } from './bench.ts';
import { addDevCommand } from './dev.ts';
import { addImportCommand } from './import.ts';
import { addJoinCommand } from './join.ts';
import { addMemberCommands } from './member.ts';
import { addReplayCommand } from './replay.ts';
import { addServeCommand } from './serve.ts';
import { addWatchCommand } from './watch.ts';
import { version } from '../version.ts';

/** Runs one command; resolves with the exit code. Throws RaftkvError for what the user should hear in one line. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('raftkv')
    .description('A linearizable key-value store for the web platform.')
    .version(version)
    // Else the value of a command's option that begins with -V, such as a token that was drawn, is a question for the version.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageError(text)) });
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  addServeCommand(program);
  addJoinCommand(program);
  addDevCommand(program);
  addAskingCommands(program, setExitCode);
  addWatchCommand(program);
  addImportCommand(program);
  addBenchCommand(program);
  addReplayCommand(program, setExitCode);
  addMemberCommands(program);
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    command.exitOverride().configureOutput(program.configureOutput());
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    // Commander has already said what is wrong; help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return exitCode;
}

/** One line, with the code that all usage errors have. */
function usageError(text: string): string {
  const problem = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ');
  return `raftkv: ${problem}; raftkv --help lists the commands [invalid_argument]\n`;
}
