// The flight recorder of real processes: what a member was given until it was killed is played again by `raftkv replay`, to the same answers.
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from './harness/cli.ts';
import { withCluster } from './harness/cluster.ts';
import { waitFor } from './harness/wait.ts';

describe('raftkv replay', () => {
  it('plays what killed members recorded, and finds a line that does not fit', { timeout: 300_000 }, () =>
    withCluster({ args: ['--flight-recorder', 'true'] }, async (cluster) => {
      const leader = await cluster.leader();
      for (let i = 0; i < 50; i++) await cluster.gateways[i % 3]!.put(`key ${i}`, 'a value that stays private');
      await cluster.kill(leader);
      await waitFor('another leader', async () => (await cluster.leader()) !== leader);
      const files = [0, 1, 2].map((node) => {
        const directory = path.join(cluster.dataDirectory(node), 'flight');
        return path.join(directory, readdirSync(directory)[0]!);
      });
      for (const file of files) {
        const { code, stdout, stderr } = await runCli(['replay', file, '--trace']);
        expect(stderr).toBe('');
        expect(code).toBe(0);
        expect(stdout).toContain('the core answered the same, each time');
        expect(stdout).toMatch(/ms {2}tick\n/);
        expect(stdout).not.toContain('private');
      }
      const json = await runCli(['replay', files[leader]!, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({ divergedAt: null, halted: null, end: { role: 'leader' } });

      // Started again, it keeps what it had recorded before.
      await cluster.start(leader);
      await waitFor('a second recording', () => readdirSync(path.dirname(files[leader]!)).length === 2);

      const lines = readFileSync(files[leader]!, 'utf8').split('\n');
      const doctored = path.join(cluster.directory, 'doctored.jsonl');
      // Another answer: an input less the core may be free to answer alike, a tick of a follower say.
      const answered = lines.findIndex((line) => line.startsWith('["r"'));
      expect(answered).toBeGreaterThan(0);
      writeFileSync(doctored, lines.with(answered, '["r","0000"]').join('\n'));
      expect(await runCli(['replay', doctored])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[diverged\]/),
      });
      appendFileSync(doctored, '{}');
      expect(await runCli(['replay', path.join(cluster.directory, 'none')])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/cannot be read \(ENOENT\)/),
      });
    }),
  );
});
