// The sample data of a local cluster: put once in the background, noted when it is complete, and found by the letters that people type.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startStopwatch } from '../../../../../test/stopwatch.ts';
import { connect } from '../../../src/node/connect.ts';
import { loadConfig } from '../../../src/node/config.ts';
import { startNode } from '../../../src/node/start-node.ts';
import type { RunningNode } from '../../../src/node/start-node.ts';
import { Dataset, plainName } from '../../../src/node/cli/dev-dataset.ts';

const cities = Array.from({ length: 1_234 }, (_, at) => ({
  cityId: at,
  name: at === 7 ? 'São/Paulo' : `Town ${at}`,
  country: 'BR',
  adminCode: '01',
  population: 1_000 + at,
  loc: { coordinates: [1, 2] as const },
}));

let directory: string;
let datasets: Dataset[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftkv-dataset-'));
  datasets = [];
});
afterEach(async () => {
  await Promise.all(datasets.map((dataset) => dataset.close()));
  rmSync(directory, { recursive: true });
});

function start(port: number): Promise<RunningNode> {
  const config = { ...loadConfig(new Map([['--data-dir', directory]]), undefined), port };
  return startNode(config, { logger: { log: () => undefined }, onHalt: () => undefined });
}
function open(port: number, counted = { loads: 0 }): Dataset {
  const load = () => {
    counted.loads += 1;
    return cities;
  };
  const dataset = new Dataset({ endpoints: [`127.0.0.1:${port}`], load });
  datasets.push(dataset);
  return dataset;
}

describe('the sample data', () => {
  it('is put once, and put again only when asked to', async () => {
    const running = await start(0);
    const counted = { loads: 0 };
    const dataset = open(running.port, counted);
    expect(dataset.state.phase).toBe('idle');
    dataset.start();
    dataset.start();
    await expect.poll(() => dataset.state.phase).toBe('done');
    expect(dataset.state).toEqual({ phase: 'done', done: 1_234, total: 1_234, error: undefined });
    const kv = connect({ endpoints: [`127.0.0.1:${running.port}`] });
    expect(await kv.count({ prefix: 'city/' })).toBe(1_234);
    expect(await kv.get('city/sao paulo/7')).toEqual({
      name: 'São/Paulo',
      country: 'BR',
      region: '01',
      population: 1_007,
      at: [1, 2],
    });

    const later = open(running.port, counted);
    later.start();
    await expect.poll(() => later.state).toMatchObject({ phase: 'done', total: 1_234 });
    expect(counted.loads).toBe(1);
    await kv.deleteRange({ prefix: 'city/' });
    later.start(true);
    await expect.poll(() => kv.count({ prefix: 'city/' })).toBe(1_234);
    expect(counted.loads).toBe(2);
    await kv.close();
    await running.close();
  });

  it('waits for a cluster that does not answer, and says so', async () => {
    const port = await freePort();
    const dataset = open(port);
    dataset.start();
    await expect
      .poll(() => dataset.state)
      .toMatchObject({
        phase: 'waiting',
        error: expect.any(String),
      });
    const running = await start(port);
    await expect.poll(() => dataset.state).toMatchObject({ phase: 'done', error: undefined });
    await running.close();
  });

  it('stops in the middle when it is closed', async () => {
    const dataset = open(await freePort());
    dataset.start();
    const took = startStopwatch();
    await dataset.close();
    expect(dataset.state.phase).toBe('running');
    // Not as long as a call would wait for an answer.
    expect(took()).toBeLessThan(2_000);
  });

  it('is under names without accents or case', () => {
    expect(plainName('São Paulo')).toBe('sao paulo');
    expect(plainName(' ÉTAMPES ')).toBe('etampes');
    expect(plainName('Șipotu')).toBe('sipotu');
    expect(plainName('Aleg/Moudjéria')).toBe('aleg moudjeria');
  });
});

async function freePort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
