// `raftkv replay FILE`: plays what a member's flight recorder wrote in a core of this process, and says whether it answers as it did then. With
// `--trace` each input and each answer is a line. Nothing is written anywhere, and no member is asked.
import { readFileSync } from 'node:fs';
import { replayFlight } from '@raftkv/replica';
import { RaftkvError, decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import type { Command } from 'commander';
import { version } from '../version.ts';
import { print, printJson } from './endpoints.ts';

interface ReplayCommandOptions {
  readonly trace?: boolean;
  readonly json?: boolean;
}

export function addReplayCommand(program: Command, setExitCode: (code: number) => void): void {
  program
    .command('replay <FILE>')
    .description('play a flight recording of a member (monitoring.flight_recorder) in a core here, and compare')
    .option('--trace', 'print each input and each answer')
    .option('--json', 'print one JSON document')
    .action(async (file: string, options: ReplayCommandOptions) => setExitCode(await replay(file, options)));
}

async function replay(file: string, options: ReplayCommandOptions): Promise<number> {
  const trace: string[] = [];
  const result = replayFlight(readRecording(file).split('\n'), {
    configurationCodec: { encode: encodeConfiguration, decode: decodeConfiguration },
    ...(options.trace === true ? { onTrace: (line) => trace.push(line) } : {}),
  });
  const { software, part, inputs, readys, halted, divergedAt, status } = result;
  const { id, role, term, commitIndex, lastIndex } = status;
  if (options.json === true) {
    const end = { id, role, term, commitIndex, lastIndex };
    printJson({ software, part, inputs, readys, halted: halted ?? null, divergedAt: divergedAt ?? null, end, trace });
  } else {
    for (const line of trace) await print(`${line}\n`);
    await print(`member ${id}, raftkv ${software}, part ${part}: ${inputs} inputs, ${readys} answers\n`);
    await print(`at the end: ${role} of term ${term}, commit ${commitIndex}, last ${lastIndex}\n`);
    if (halted !== undefined) await print(`the member halted: ${halted}\n`);
  }
  if (divergedAt === undefined) {
    if (options.json !== true) await print('the core answered the same, each time\n');
    return 0;
  }
  const hint = software === version ? '' : `; it was recorded by raftkv ${software}, this is ${version}`;
  throw new RaftkvError('diverged', `${file}: from line ${divergedAt} on the core answers something else${hint}`);
}

function readRecording(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'error';
    throw new RaftkvError('invalid_argument', `${file}: cannot be read (${code})`, { cause: error });
  }
}
