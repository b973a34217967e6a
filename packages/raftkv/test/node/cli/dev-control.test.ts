// Who may use the control of a local cluster, and who is turned away: it can end processes.
import { request } from 'node:http';
import { RaftkvError } from '@raftkv/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openControl } from '../../../src/node/cli/dev-control.ts';
import type { Control } from '../../../src/node/cli/dev-control.ts';
import type { MemberAction } from '../../../src/node/cli/dev-member.ts';

const token = 'the token of this run';
const page = 'http://127.0.0.1:8080';
const acted: string[] = [];
let started: boolean[];
let control: Control;

const memberOf = (name: string, port: number) => ({
  name,
  port,
  state: 'running' as const,
  pid: 4711,
  starts: 1,
  note: undefined,
  act: async (action: MemberAction) => {
    if (action === 'resume') throw new RaftkvError('invalid_argument', `${name} is running: cannot resume it`);
    acted.push(`${action} ${name}`);
  },
});

beforeEach(async () => {
  acted.length = 0;
  started = [];
  control = await openControl({
    members: [memberOf('node1', 8080), memberOf('node2', 8081)],
    dataset: {
      state: { phase: 'running', done: 10, total: 100, error: undefined },
      start: (again) => started.push(again),
    },
    token,
    origins: [page, 'http://localhost:8080'],
  });
});
afterEach(() => control.close());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `fetch` sets neither Host nor Origin as it is told. */
function ask({ method = 'POST', path = '/members/node2/kill', headers = {} }: Asked) {
  const { port } = new URL(control.origin);
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
const authorization = `Bearer ${token}`;

describe('the control of a local cluster', () => {
  it('does what its own page asks with the token, and says how all are', async () => {
    const answer = await ask({ headers: { authorization, origin: page } });
    expect(answer.status).toBe(202);
    expect(answer.headers['access-control-allow-origin']).toBe(page);
    expect(acted).toEqual(['kill node2']);
    expect(JSON.parse(answer.body)).toEqual({
      members: [
        { name: 'node1', address: '127.0.0.1:8080', process: 'running', pid: 4711, starts: 1 },
        { name: 'node2', address: '127.0.0.1:8081', process: 'running', pid: 4711, starts: 1 },
      ],
      dataset: { phase: 'running', done: 10, total: 100 },
    });
  });

  it.each(['stop', 'kill', 'pause', 'start', 'restart'])('can %s a member', async (action) => {
    expect((await ask({ path: `/members/node1/${action}`, headers: { authorization } })).status).toBe(202);
    expect(acted).toEqual([`${action} node1`]);
  });

  it('begins the import', async () => {
    expect((await ask({ path: '/dataset/import', headers: { authorization } })).status).toBe(202);
    expect(started).toEqual([true]);
  });

  it.each([
    ['nothing', {}],
    ['another token', { authorization: 'Bearer guess' }],
    ['half of the token', { authorization: authorization.slice(0, -1) }],
    ['the token without its scheme', { authorization: token }],
    ['a cookie', { cookie: `token=${token}` }],
  ])('refuses who comes with %s', async (_, headers) => {
    for (const asked of [
      { headers },
      { headers, method: 'GET', path: '/state' },
      { headers, path: '/dataset/import' },
    ] satisfies Asked[]) {
      const answer = await ask(asked);
      expect(answer.status).toBe(401);
      expect(answer.body).not.toContain('4711');
    }
    expect([acted, started]).toEqual([[], []]);
  });

  it.each(['https://evil.example', 'http://127.0.0.1:9999', 'null', 'http://localhost'])(
    'refuses a page of %s, even with the token, and its preflight',
    async (origin) => {
      const answer = await ask({ headers: { authorization, origin } });
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      const preflight = await ask({ method: 'OPTIONS', headers: { origin } });
      expect(preflight.status).toBe(403);
      expect(preflight.headers['access-control-allow-headers']).toBeUndefined();
      expect(acted).toEqual([]);
    },
  );

  it.each(['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', '192.168.0.7:1234', 'localhost.evil'])(
    'refuses who came here by the name %s',
    async (host) => {
      expect((await ask({ headers: { authorization, host } })).status).toBe(403);
      expect(acted).toEqual([]);
    },
  );

  it('listens on the loopback interface alone', () => {
    expect(new URL(control.origin).hostname).toBe('127.0.0.1');
  });

  it('lets a page of the cluster ask first', async () => {
    const answer = await ask({ method: 'OPTIONS', headers: { origin: page } });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toBe('authorization');
    expect(acted).toEqual([]);
  });

  it.each([
    ['GET', '/members/node1/kill', 405],
    ['GET', '/dataset/import', 405],
    ['POST', '/state', 405],
    ['POST', '/members/node9/kill', 404],
    ['POST', '/members/node1/explode', 404],
    ['POST', '/members/node1/kill/now', 404],
    ['POST', '/members/node1', 404],
    ['GET', '/', 404],
    ['POST', '/members/node1/resume', 409],
  ])('answers %s %s with %i', async (method, path, status) => {
    const answer = await ask({ method, path, headers: { authorization } });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String) });
    expect(acted).toEqual([]);
  });
});
