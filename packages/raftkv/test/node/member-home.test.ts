// What a member's directory says of it, and who is refused with it: found once, joined once, and gone on with whatever the list of peers says by then.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileStorage } from '@raftkv/storage/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/node/config.ts';
import type { NodeConfig } from '../../src/node/config.ts';
import { writeRemovalNote } from '../../src/node/home-note.ts';
import { openHome } from '../../src/node/member-home.ts';
import type { Admission, Home } from '../../src/node/member-home.ts';

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
async function open(found: NodeConfig, joining?: () => Promise<Admission>): Promise<Home> {
  const home = await openHome({ config: found, onFailure: () => undefined, join: joining });
  await home.storage.close();
  return home;
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
    await writeRemovalNote(storage, `${stored.identity.memberName} was removed`);
    await storage.close();
    const refusal = { code: 'member_removed', message: 'node2 was removed' };
    await expect(open(config('node2'))).rejects.toMatchObject(refusal);
    await expect(open(config('node2'), never)).rejects.toMatchObject(refusal);
  });

  it('from before there were notes takes the list of peers for that of its founders, if that is what it is', async () => {
    const { stored } = await open(config('node2'));
    const old = async (): Promise<void> => {
      rmSync(join(directory, 'data'), { recursive: true });
      const { clusterId, memberId, memberName } = stored.identity;
      const identity = { clusterId, memberId, memberName };
      await (await openFileStorage({ directory: join(directory, 'data'), create: true, identity })).close();
    };
    await old();
    await expect(open(config('node2', { '--peers': 'node2:h:2,node9:h:9' }))).rejects.toMatchObject({
      code: 'storage_identity',
    });
    await expect(open(config('node2', { '--peers': 'node2:h:2' }), never)).rejects.toThrow(/cut short: empty it/);
    expect((await open(config('node2'))).founders).toHaveLength(3);
    // By now it has a note.
    expect((await open(config('node2', { '--peers': 'node9:h:9' }))).founders).toHaveLength(3);
  });
});
