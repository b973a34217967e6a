// What a member's directory says of it, and who is refused with it: found once, joined once, and gone on with whatever the list of peers says by then.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterIdentity } from '@raftkv/server';
import type { Admission, Home } from '@raftkv/server';
import type { RequestedIdentity } from '@raftkv/storage';
import { openFileStorage } from '@raftkv/storage/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/node/config.ts';
import type { NodeConfig } from '../../src/node/config.ts';
import { openDirectoryHome } from '../../src/node/member-home.ts';
import type { DirectoryHomeOptions } from '../../src/node/member-home.ts';

const peers = 'node1:h:1,node2:h:2,node3:h:3';
const admission: Admission = {
  identity: { clusterId: 'c1', memberId: '0000000000000005', memberName: 'node4', storeId: 'drawn before' },
  configuration: {
    voters: ['a'],
    votersOutgoing: [],
    learners: ['0000000000000005'],
    learnersNext: [],
    members: [{ id: 'a', name: 'node1', address: 'h:1', storeId: 'S1', plan: undefined }],
  },
  configurationIndex: 5,
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-home-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function config(name: string, flags: Record<string, string> = {}): NodeConfig {
  const all = { '--id': name, '--data-dir': join(directory, 'data'), '--peers': peers, ...flags };
  return loadConfig(new Map(Object.entries(all)), undefined);
}

/** What opening says, with the storage closed again. */
async function open(found: NodeConfig, joining?: DirectoryHomeOptions['join']): Promise<Home> {
  const home = await openDirectoryHome({ config: found, onFailure: () => undefined, join: joining });
  await home.storage.close();
  return home;
}

/** A storage that nothing is noted in. */
async function makeStorage(identity: RequestedIdentity): Promise<void> {
  rmSync(join(directory, 'data'), { recursive: true, force: true });
  await (await openFileStorage({ directory: join(directory, 'data'), create: true, identity })).close();
}

const never = (): Promise<Admission> => Promise.reject(new Error('not to be asked'));

describe('a directory', () => {
  it('of a founder is made once, and goes by what it was founded with', async () => {
    const first = await open(config('node2'));
    expect(first.founders.map(({ name, address }) => [name, address])).toEqual([
      ['node1', 'h:1'],
      ['node2', 'h:2'],
      ['node3', 'h:3'],
    ]);
    expect(first).toMatchObject({ isNew: true, configurationIndex: 0 });
    expect(first.configuration.voters).toEqual(first.founders.map(({ id }) => id).toSorted());
    // Another list, none at all, or told to join: it is what it is.
    for (const later of [
      await open(config('node2', { '--peers': 'node2:h:2,node9:h:9' })),
      await open(config('node2', { '--peers': 'node9:h:9' })),
      await open(config('node2'), never),
    ]) {
      expect(later).toMatchObject({ isNew: false, founders: first.founders, configuration: first.configuration });
      expect(later.stored.identity).toEqual(first.stored.identity);
    }
  });

  it('of one that joined is made when the cluster has let it in, and remembers what it was told', async () => {
    const first = await open(config('node4'), async () => {
      expect(existsSync(join(directory, 'data'))).toBe(false);
      return admission;
    });
    expect(first).toMatchObject({ isNew: true, founders: [], configurationIndex: 5 });
    expect(first.stored.identity).toEqual(admission.identity);
    for (const later of [await open(config('node4')), await open(config('node4'), never)]) {
      const { configuration, configurationIndex } = admission;
      expect(later).toMatchObject({ isNew: false, founders: [], configuration, configurationIndex });
    }
  });

  it('that is empty, for a name that is not listed, is not made into anything', async () => {
    await expect(open(config('node4'))).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/node4 is not in the list of peers .*raftkv join/),
    });
    await expect(open(config('node4'), () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  it('is refused to another name, and to another token', async () => {
    await open(config('node2'));
    await expect(open(config('node3'))).rejects.toMatchObject({ code: 'storage_identity' });
    await expect(open(config('node4'), never)).rejects.toMatchObject({ code: 'storage_identity' });
    await expect(open(config('node2', { '--cluster-token': 'x' }))).rejects.toMatchObject({ code: 'storage_identity' });
    // Whoever joins was told which cluster by its endpoints.
    await open(config('node2', { '--cluster-token': 'x' }), never);
  });

  it('of a member that was removed is not opened again', async () => {
    const { stored } = await open(config('node2'));
    const storage = await openFileStorage({ directory: join(directory, 'data'), create: false });
    const note = { version: 1, reason: `${stored.identity.memberName} was removed` };
    await storage.setNote('removed', new TextEncoder().encode(JSON.stringify(note)));
    await storage.close();
    const refusal = { code: 'member_removed', message: 'node2 was removed' };
    await expect(open(config('node2'))).rejects.toMatchObject(refusal);
    await expect(open(config('node2'), never)).rejects.toMatchObject(refusal);
  });

  it('from before there were notes takes the list of peers for that of its founders, if that is what it is', async () => {
    const { stored } = await open(config('node2'));
    await makeStorage(stored.identity);
    await expect(open(config('node2', { '--peers': 'node2:h:2,node9:h:9' }))).rejects.toMatchObject({
      code: 'storage_identity',
    });
    expect(await open(config('node2'))).toMatchObject({ founders: { length: 3 }, token: 'raftkv' });
    // By now it has a note.
    expect((await open(config('node2', { '--peers': 'node9:h:9' }))).founders).toHaveLength(3);
    // From before ids were drawn, the id of the cluster is the one in the identity, with a note and without.
    const listed = ['node1', 'node2', 'node3'].map((name, i) => ({ name, address: `h:${i + 1}` }));
    await makeStorage({ ...stored.identity, clusterId: clusterIdentity('raftkv', listed).clusterId });
    for (let i = 0; i < 2; i += 1) {
      expect(await open(config('node2'))).toMatchObject({ founders: { length: 3 }, token: undefined });
    }
  });

  it('of one whose joining was cut short asks to be let in as the one that it is, and is given up if that one is gone', async () => {
    await makeStorage(admission.identity);
    await expect(open(config('node4'))).rejects.toMatchObject({
      code: 'storage_identity',
      message: expect.stringMatching(/is no founder .* join again/),
    });
    const another = { ...admission, identity: { ...admission.identity, memberId: '0000000000000007' } };
    await expect(open(config('node4'), async () => another)).rejects.toThrow(/cut short.* empty it/);
    const asked: unknown[] = [];
    const joining = async (again: unknown): Promise<Admission> => {
      asked.push(again);
      return admission;
    };
    const { configuration, configurationIndex } = admission;
    expect(await open(config('node4'), joining)).toMatchObject({ founders: [], configuration, configurationIndex });
    expect(asked).toEqual([admission.identity]);
    expect(await open(config('node4'))).toMatchObject({ configurationIndex });
  });

  it('with notes of a later version is refused', async () => {
    await open(config('node2'));
    const storage = await openFileStorage({ directory: join(directory, 'data'), create: false });
    const note = JSON.parse(new TextDecoder().decode(await storage.getNote('home'))) as { version: number };
    // What knows nothing of drawn ids must not go on with this member.
    expect(note.version).toBe(2);
    await storage.setNote('home', new TextEncoder().encode(JSON.stringify({ ...note, version: 3 })));
    await storage.close();
    await expect(open(config('node2'))).rejects.toMatchObject({ code: 'unsupported_version' });
  });
});
