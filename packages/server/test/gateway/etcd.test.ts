// The gateway's answers against those of a real etcd, recorded by bench/record-etcd.mjs: the same requests in the same order
// on an empty store each, over HTTP.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';
import { createHttpServer, listen } from '../../src/node/http.ts';
import type { HttpServer } from '../../src/node/http.ts';
import { TestNode } from '../test-node.ts';
import { WatchClient, call } from './http-client.ts';
import { maskAnswer } from './mask.ts';

interface Step {
  readonly path: string;
  readonly body: string;
  /** 0: etcd's handler panicked. */
  readonly status: number;
  readonly answer: unknown;
}

const fixture = JSON.parse(readFileSync(new URL('./etcd-3.4.23.json', import.meta.url), 'utf8')) as Record<
  string,
  Step[]
>;

let http: HttpServer | undefined;
afterEach(() => http?.close());

describe('etcd 3.4.23 and the gateway answer alike', () => {
  it.each(Object.keys(fixture))('in the scenario: %s', async (name) => {
    http = createHttpServer({ node: new TestNode(), metrics: createMetrics() });
    const base = `http://127.0.0.1:${await listen(http.server, { host: '127.0.0.1', port: 0 })}`;
    for (const step of fixture[name]!) {
      const { path, body } = step;
      const actual = path === 'watch' ? await watch(base, step) : await post(base, step);
      if (step.status === 0) {
        // A request that brings etcd's handler down is refused here.
        expect(actual).toMatchObject({ status: 400, answer: { code: 3 } });
      } else expect({ path, body, ...actual }).toEqual(step);
    }
  });
});

async function post(base: string, step: Step): Promise<{ status: number; answer: unknown }> {
  const { status, text } = await call(base, `/v3/${step.path}`, step.body);
  return { status, answer: maskAnswer(text) };
}

/** Takes as many lines as etcd sent. */
async function watch(base: string, step: Step): Promise<{ status: number; answer: unknown }> {
  const client = new WatchClient(base, step.body);
  const expected = Array.isArray(step.answer) ? step.answer.length : 1;
  await client.untilLines(expected);
  client.close();
  return { status: client.status, answer: maskAnswer(client.chunks.join('')) };
}
