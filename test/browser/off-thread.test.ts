// Replicas in workers, over real nodes: a page that is busy or whose worker dies stops nobody, and a copy that is fetched leaves the page its frames.
import { describe, expect, it } from 'vitest';
import type { ReplicaOptions } from 'raftkv';
import { ReplicaTab, setCluster } from './harness/replica-tabs.ts';
import type { TabStatus } from './harness/replica-tabs.ts';
import { setStage } from './harness/stage.ts';

const stage = setStage(['replica', 'off-thread']);
const cluster = setCluster();

/** With its replica in a worker. */
const openTab = async (options: Partial<ReplicaOptions> = {}): Promise<ReplicaTab> =>
  ReplicaTab.in(await stage.openTab('off-thread'), cluster(), options);

const isReady = ({ phase, connection, storage }: TabStatus): boolean =>
  phase === 'ready' && connection === 'online' && storage === 'relaxed';

describe('a replica in a worker', () => {
  it('reads, writes and agrees with the members as one in the page does', async () => {
    const tab = await openTab();
    expect(await tab.until(isReady)).toMatchObject({ tenancy: 'holder', thread: 'worker', error: undefined });
    const other = await ReplicaTab.open(stage, cluster());
    expect(await other.until(isReady)).toMatchObject({ tenancy: 'attached' });
    const revision = await tab.put('thread/a', { by: 'worker' });
    const [mine, others] = [await tab.reaches(revision), await other.reaches(revision)];
    expect(mine.hash).toBe(others.hash);
    expect(mine.replicaId).toBe(others.replicaId);
    expect(await other.get('thread/a')).toEqual({ by: 'worker' });
    expect(await tab.get('thread/a', 'linearizable')).toEqual({ by: 'worker' });
  });
});
