// The commands of the CLI that read and write, as a user runs them: a process each, against three real servers. What they
// print, and their exit codes: 0 done, 1 refused or not found, 2 usage. The others are in cli-cluster.test.ts.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isOneErrorLine, runCli } from './harness/cli.ts';
import type { CliOptions, CliResult } from './harness/cli.ts';
import { Cluster } from './harness/cluster.ts';
import { waitFor } from './harness/wait.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 3 });
});
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(cluster.logTails());
});
afterAll(() => cluster?.destroy());

function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCli([...args, '--endpoints', cluster.addresses.join(',')], options);
}

/** Runs a command that must succeed silently on stderr; its standard output. */
async function output(args: readonly string[], options: CliOptions = {}): Promise<string> {
  const result = await cli(args, options);
  expect(result, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

/** A command's answer as the one JSON document that `--json` promises. */
async function json<T>(args: readonly string[], options: CliOptions = {}): Promise<T> {
  return JSON.parse(await output([...args, '--json'], options)) as T;
}

describe('get, put and del', () => {
  it('print a value, a revision and a count', async () => {
    const first = Number(await output(['put', 'city', 'Paris']));
    const second = Number(await output(['put', 'city', 'London']));
    expect(second).toBe(first + 1);
    expect(await output(['get', 'city'])).toBe('London\n');
    expect(await output(['del', 'city'])).toBe('1\n');
  });

  it('exit 1 with `not_found` when there is nothing', async () => {
    const get = await cli(['get', 'no such key']);
    expect(get).toMatchObject({ code: 1, stdout: '' });
    expect(get.stderr).toContain('[not_found]');
    expect(isOneErrorLine(get.stderr)).toBe(true);
    const del = await cli(['del', 'no such key']);
    expect(del.code).toBe(1);
  });

  it('keep text outside ASCII, spaces and empty values as they are', async () => {
    await output(['put', 'ключ/日本', 'grün 🌍']);
    expect(await output(['get', 'ключ/日本'])).toBe('grün 🌍\n');
    await output(['put', 'two  spaces ', '']);
    expect(await output(['get', 'two  spaces '])).toBe('\n');
  });

  it('print one JSON document with --json', async () => {
    const put = await json<{ revision: number }>(['put', 'json', '{"a":1}']);
    const get = await json<{ key: string; revision: number }>(['get', 'json']);
    expect(get).toMatchObject({ key: 'json', revision: put.revision });
    expect(await json(['del', 'json'])).toMatchObject({ deleted: 1 });
  });
});

describe('scan', () => {
  beforeAll(async () => {
    for (const letter of ['a', 'b', 'c', 'd']) await cluster.gateways[0]!.put(`scan/${letter}`, letter.toUpperCase());
  });

  it('prints key, tab, value, in order', async () => {
    expect(await output(['scan', 'scan/'])).toBe('scan/a\tA\nscan/b\tB\nscan/c\tC\nscan/d\tD\n');
  });

  it('stops at a limit, and goes backwards', async () => {
    expect(await output(['scan', 'scan/', '--limit', '2'])).toBe('scan/a\tA\nscan/b\tB\n');
    expect(await output(['scan', 'scan/', '--limit', '2', '--reverse'])).toBe('scan/d\tD\nscan/c\tC\n');
  });

  it('prints nothing and exits 0 when there is nothing', async () => {
    expect(await output(['scan', 'nothing/'])).toBe('');
  });

  it('prints one JSON document with --json', async () => {
    const document = JSON.stringify(await json(['scan', 'scan/', '--limit', '1']));
    expect(document).toContain('"scan/a"');
    expect(document).not.toContain('"scan/b"');
  });
});

describe('batch and txn', () => {
  it('apply the lines of a file at once', async () => {
    await output(['put', 'batch/gone', 'x']);
    await output(['batch'], { input: 'put batch/1 one\nput batch/2 two words\ndel batch/gone\n' });
    expect(await output(['scan', 'batch/'])).toBe('batch/1\tone\nbatch/2\ttwo words\n');
    const { keyValues } = await cluster.gateways[0]!.scan('batch/');
    expect(new Set(keyValues.map((one) => one.modRevision)).size).toBe(1);
  });

  it('name the line of a batch that makes no sense, and change nothing', async () => {
    const result = await cli(['batch'], { input: 'put bad/1 one\nfrobnicate bad/2\n' });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('line 2');
    expect(isOneErrorLine(result.stderr)).toBe(true);
    expect(await output(['scan', 'bad/'])).toBe('');
  });

  it('run a transaction from standard input', async () => {
    await output(['put', 'account', '10']);
    const transfer = {
      if: [{ key: 'account', value: '10' }],
      then: [{ type: 'put', key: 'account', value: '7' }],
      else: [{ type: 'get', key: 'account' }],
    };
    expect(await json(['txn'], { input: JSON.stringify(transfer) })).toMatchObject({ succeeded: true });
    expect(await output(['get', 'account'])).toBe('7\n');
    const again = await cli(['txn', '--json'], { input: JSON.stringify(transfer) });
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({
      succeeded: false,
      results: [{ type: 'get', entry: { value: '7' } }],
    });
    expect(await output(['get', 'account'])).toBe('7\n');
  });
});

describe('watch', () => {
  it('prints one line for each event, from a revision on, and ends on Ctrl-C', async () => {
    const from = Number(await output(['put', 'watch/a', '1']));
    await output(['put', 'watch/a', '2']);
    let isWriting = false;
    const watched = await cli(['watch', 'watch/', '--from', String(from)], {
      until: (stdout) => stdout.trimEnd().split('\n').length >= 4,
      onOutput: () => {
        if (isWriting) return;
        isWriting = true;
        void cluster.gateways[1]!.put('watch/b', '3').then(() => cluster.gateways[2]!.delete('watch/a'));
      },
    });
    expect(watched.code).toBe(0);
    const lines = watched.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('watch/a');
    expect(lines[2]).toContain('watch/b');
    expect(lines[3]).toMatch(/del/i);
  });

  it('goes on when the node that it watches through is killed', async () => {
    const endpoints = [...cluster.addresses];
    let killed: Promise<unknown> | undefined;
    const watched = runCli(['watch', 'survive/', '--endpoints', endpoints.join(',')], {
      until: (stdout) => stdout.includes('survive/after'),
      onOutput: () => {
        killed ??= cluster.kill(0);
      },
    });
    let number = 0;
    await waitFor('the first event', async () => {
      await cluster.gateways[1]!.put('survive/before', String(number++));
      return killed !== undefined;
    });
    await killed;
    await waitFor('a write after the kill', async () => (await cluster.gateways[1]!.put('survive/after', 'yes')) > 0);
    const result = await watched;
    expect(result.stdout).toContain('survive/after');
    expect(result.code).toBe(0);
    await cluster.start(0);
  });
});

describe('usage', () => {
  it('is shown by --help on stdout with exit 0, for the program and each command', async () => {
    const commands = [
      'serve',
      'dev',
      'get',
      'put',
      'del',
      'scan',
      'batch',
      'txn',
      'watch',
      'status',
      'import',
      'bench',
    ];
    const help = await runCli(['--help']);
    expect(help.code).toBe(0);
    for (const command of commands) expect(help.stdout).toContain(command);
    const each = await Promise.all(commands.map((command) => runCli([command, '--help'])));
    for (const [index, result] of each.entries()) {
      expect(result.code, commands[index]).toBe(0);
      expect(result.stdout).toContain('Usage');
    }
  });

  it('is missed with exit 2: no key, no command, a limit that is no number', async () => {
    for (const args of [['get'], [], ['scan', 'x', '--limit', 'many']]) {
      const result = await runCli(args);
      expect(result.code, args.join(' ')).toBe(2);
      expect(result.stderr).not.toMatch(/^\s+at /m);
    }
  });

  // A drawn token may begin with these two characters: members that were given it said their version, and ended.
  it('takes no value of an option for a question for the version', async () => {
    const result = await runCli(['dev', '--nodes', '-V3']);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('"-V3" is not a whole number');
    expect(isOneErrorLine(result.stderr)).toBe(true);
    expect(await runCli(['-V'])).toMatchObject({ code: 0, stderr: '' });
  });
});
