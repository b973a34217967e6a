// A member's process under `raftkv dev`: what can be done to it in which state, and what is said of it when it ends by itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DevMember } from '../../../src/node/cli/dev-member.ts';
import type { MemberState } from '../../../src/node/cli/dev-member.ts';

let directory: string;
let states: MemberState[];
let member: DevMember;

/** Says that it is ready, and ends in order on SIGTERM. */
const wellBehaved = `
process.on('SIGTERM', () => process.exit(0));
console.log('raftkv node1 ready at http://127.0.0.1:1');
setInterval(() => {}, 1000);
`;

function create(script: string): DevMember {
  const binary = join(directory, 'serve.mjs');
  writeFileSync(binary, script);
  return new DevMember({
    name: 'node1',
    port: 1,
    words: ['--id', 'node1'],
    log: join(directory, 'node1.log'),
    environment: { GREETING: 'hello' },
    onChange: ({ state }) => states.push(state),
    binary,
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-member-'));
  states = [];
});
afterEach(async () => {
  member.killNow();
  await member.whenEnded();
  rmSync(directory, { recursive: true, force: true });
});

describe('a member under raftkv dev', () => {
  it('is stopped, started, killed and restarted', async () => {
    member = create(wellBehaved);
    expect(await member.start()).toBe(true);
    const first = member.pid;
    await member.act('stop');
    expect([member.state, member.pid, member.note]).toEqual(['stopped', undefined, undefined]);
    await member.act('start');
    await expect.poll(() => member.state).toBe('running');
    expect(member.pid).not.toBe(first);
    await member.act('kill');
    expect(member.state).toBe('killed');
    await member.act('restart');
    await expect.poll(() => member.state).toBe('running');
    await member.act('restart');
    await expect.poll(() => member.state).toBe('running');
    expect(member.starts).toBe(4);
    const ups = ['starting', 'running'];
    const stops = ['stopping', 'stopped'];
    expect(states).toEqual([...ups, ...stops, ...ups, 'killed', ...ups, ...stops, ...ups]);
  });

  it('is paused and goes on, and is stopped in order while it is paused', async () => {
    member = create(wellBehaved);
    await member.start();
    await member.act('pause');
    await expect(member.act('pause')).rejects.toThrow('node1 is paused: cannot pause it');
    await member.act('resume');
    await expect(member.act('resume')).rejects.toMatchObject({ code: 'invalid_argument' });
    await member.act('pause');
    await member.act('stop');
    expect(member.state).toBe('stopped');
    expect(states).toEqual(['starting', 'running', 'paused', 'running', 'paused', 'stopping', 'stopped']);
  });

  it('refuses what its state does not allow', async () => {
    member = create(wellBehaved);
    for (const action of ['stop', 'kill', 'pause', 'resume'] as const) {
      await expect(member.act(action)).rejects.toThrow(`node1 is stopped: cannot ${action} it`);
    }
    await member.start();
    await expect(member.act('start')).rejects.toThrow('node1 is running: cannot start it');
  });

  it('says why it ended by itself', async () => {
    member = create(`console.error('raftkv: the disk is gone [storage_failed]'); process.exit(3);`);
    expect(await member.start()).toBe(false);
    await member.whenEnded();
    expect(member.state).toBe('failed');
    expect(member.note).toBe('(exit code 3): the disk is gone [storage_failed]');
  });

  it('is run with its words and its environment', async () => {
    member = create(`console.error('raftkv: ' + process.argv.slice(2).join(' ') + process.env.GREETING);`);
    await member.start();
    await member.whenEnded();
    expect(member.note).toContain('serve --id node1hello');
  });
});
