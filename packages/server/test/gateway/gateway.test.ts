// The gateway without HTTP: what a recording of etcd cannot show, such as a lost quorum, limits, races, and where we differ on purpose.
import type { StoreOptions } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import { TestNode } from '../test-node.ts';

const a = 'YQ==';
const all = { key: 'AA==', range_end: 'AA==' };

let node: TestNode;
let gateway: Gateway;

function start(options: GatewayOptions = {}, store: StoreOptions = {}): void {
  node = new TestNode(store);
  gateway = new Gateway(node, options);
}

async function ask(path: string, message: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  const reply = await gateway.handle(`/v3/${path}`, body);
  return { status: reply.httpStatus, answer: JSON.parse(reply.body) as Record<string, unknown> };
}

beforeEach(() => start());

describe('the header', () => {
  it('shows our hexadecimal ids as the decimals of the same 64 bits', async () => {
    const { answer } = await ask('kv/put', { key: a });
    expect(answer).toEqual({
      header: { cluster_id: '193', member_id: '18446744073709551361', revision: '2', raft_term: '2' },
    });
  });

  it('shows the term as of the answer, so that it does not go back', async () => {
    node.term = 7;
    const { answer } = await ask('kv/range', { key: a });
    expect(answer['header']).toMatchObject({ raft_term: '7' });
  });
});

it.each([{ key: a }, all])('shows the revision at which %j was read, not one that came since', async (message) => {
  await ask('kv/put', { key: a });
  const get = node.get.bind(node);
  const scan = node.scan.bind(node);
  const andThenWrite = async <T>(read: Promise<T>): Promise<T> => {
    const result = await read;
    await ask('kv/put', { key: a, value: a });
    return result;
  };
  node.get = (key, options) => andThenWrite(get(key, options));
  node.scan = (range, options) => andThenWrite(scan(range, options));
  const { answer } = await ask('kv/range', message);
  expect(answer).toMatchObject({ header: { revision: '2' }, kvs: [{ mod_revision: '2' }] });
  expect(node.revision).toBe(3);
});

describe('without a quorum', () => {
  beforeEach(() => start({ requestTimeoutMilliseconds: 40 }));

  it('a linearizable range fails within its time limit, a serializable one succeeds', async () => {
    await ask('kv/put', { key: a, value: a });
    node.hasQuorum = false;
    expect(await ask('kv/range', { key: a })).toMatchObject({
      status: 503,
      answer: { error: 'etcdserver: request timed out', message: 'etcdserver: request timed out', code: 14 },
    });
    expect(await ask('kv/range', { key: a, serializable: true })).toMatchObject({
      status: 200,
      answer: { count: '1' },
    });
  });

  it.each(['kv/put', 'kv/deleterange', 'kv/range'])('%s says so when no leader is known all the time', async (path) => {
    node.hasLeader = false;
    expect(await ask(path, { key: a })).toMatchObject({ status: 503, answer: { code: 14 } });
  });
});

it('waits through a short time without a leader', async () => {
  node.hasLeader = false;
  const put = ask('kv/put', { key: a });
  setTimeout(() => node.changeLeader(true), 30);
  expect(await put).toMatchObject({ status: 200 });
});

it('does not send a write again that may have happened', async () => {
  let writes = 0;
  node.write = async () => {
    writes++;
    throw new RaftkvError('no_leader', 'the leader went away', { definite: false });
  };
  expect(await ask('kv/put', { key: a })).toMatchObject({ status: 503 });
  expect(writes).toBe(1);
});

describe('limits', () => {
  it('refuses a range whose answer would be too large, but not its first page', async () => {
    start({ maxAnswerBytes: 1000 });
    const value = Buffer.alloc(400).toString('base64');
    for (const key of ['YQ==', 'Yg==', 'Yw==', 'ZA==']) await ask('kv/put', { key, value });
    expect(await ask('kv/range', all)).toMatchObject({ status: 429, answer: { code: 8 } });
    expect(await ask('kv/range', { ...all, limit: 2 })).toMatchObject({
      status: 200,
      answer: { more: true, count: '4' },
    });
    expect(await ask('kv/range', { ...all, keys_only: true })).toMatchObject({ status: 200, answer: { count: '4' } });
  });

  it('cuts a range inside a transaction at 8 MiB, and says that there is more', async () => {
    const value = Buffer.alloc(1024 * 1024).toString('base64');
    for (const key of [...'abcdefghij']) await ask('kv/put', { key: Buffer.from(key).toString('base64'), value });
    const { answer } = await ask('kv/txn', { success: [{ request_range: all }] });
    const [response] = answer['responses'] as { response_range: { kvs: unknown[]; more: boolean; count: string } }[];
    expect(response!.response_range.kvs).toHaveLength(8);
    expect(response!.response_range).toMatchObject({ more: true, count: '10' });
  });

  it.each([
    ['a key', { key: Buffer.alloc(5000, 'k').toString('base64') }],
    ['a value', { key: a, value: Buffer.alloc(1024 * 1024 + 1).toString('base64') }],
  ])('refuses %s beyond the limit', async (_, message) => {
    expect(await ask('kv/put', message)).toMatchObject({
      status: 400,
      answer: { error: 'etcdserver: request is too large', code: 3 },
    });
  });

  it('refuses transactions with too many operations or too deep, at any depth of text', async () => {
    const nested = (depth: number): unknown => ({ success: depth === 0 ? [] : [{ request_txn: nested(depth - 1) }] });
    expect(await ask('kv/txn', nested(7))).toMatchObject({ status: 200 });
    const tooMany = { status: 400, answer: { error: 'etcdserver: too many operations in txn request' } };
    expect(await ask('kv/txn', nested(8))).toMatchObject(tooMany);
    expect(await ask('kv/txn', '{"success":[{"request_txn":'.repeat(5000))).toMatchObject({ status: 400 });
    const deep = '{"success":[{"request_txn":'.repeat(50) + '{}' + '}]}'.repeat(50);
    expect(await ask('kv/txn', deep)).toMatchObject(tooMany);
    const put = (at: number): unknown => ({ request_put: { key: Buffer.from(`k${at}`).toString('base64') } });
    const many = { success: Array.from({ length: 64 }, (_, at) => put(at)) };
    expect(await ask('kv/txn', many)).toMatchObject({ status: 200 });
    const inner = {
      success: [...many.success, { request_txn: { success: Array.from({ length: 64 }, (_, at) => put(100 + at)) } }],
    };
    expect(await ask('kv/txn', inner)).toMatchObject(tooMany);
  });
});

describe('what is told apart from etcd', () => {
  it.each([
    'lease/grant',
    'lease/revoke',
    'lease/keepalive',
    'lease/timetolive',
    'kv/lease/timetolive',
    'lease/leases',
    'maintenance/snapshot',
    'auth/enable',
  ])('%s is known and not implemented', async (path) => {
    expect(gateway.has(`/v3/${path}`)).toBe(true);
    expect(await ask(path, '{}')).toMatchObject({ status: 501, answer: { code: 12 } });
  });

  it('a transaction that deletes a range without an end and puts into it is refused, in whatever order', async () => {
    const put = { request_put: { key: 'Yg==' } };
    const remove = { request_delete_range: { key: a, range_end: 'AA==' } };
    for (const success of [
      [put, remove],
      [remove, put],
      [{ request_txn: { success: [put] } }, { request_txn: { failure: [remove] } }],
    ]) {
      expect(await ask('kv/txn', { success })).toMatchObject({
        status: 400,
        answer: { error: 'etcdserver: duplicate key given in txn request' },
      });
    }
    expect(node.revision).toBe(1);
  });

  it('an unknown lease is refused in the branch not taken too', async () => {
    const failure = [{ request_put: { key: a, lease: '9007199254740993' } }];
    expect(await ask('kv/txn', { failure })).toMatchObject({ status: 404, answer: { code: 5 } });
  });
});

it('rewrites the present value for ignore_value even while others write', async () => {
  await ask('kv/put', { key: a, value: 'MQ==' });
  const read = node.get.bind(node);
  let interferences = 3;
  node.get = async (key, options) => {
    const result = await read(key, options);
    if (interferences-- > 0) await ask('kv/put', { key: a, value: 'Mg==' });
    return result;
  };
  const { answer } = await ask('kv/put', { key: a, ignore_value: true, prev_kv: true });
  expect(answer).toMatchObject({ prev_kv: { value: 'Mg==', version: '4' } });
  expect((await ask('kv/range', { key: a })).answer).toMatchObject({ kvs: [{ value: 'Mg==', version: '5' }] });
});

it('a revision that fell out of the window is compacted', async () => {
  start({}, { retainedRevisions: 3 });
  for (let count = 0; count < 6; count++) await ask('kv/put', { key: a });
  expect(await ask('kv/range', { key: a, revision: 2 })).toMatchObject({ status: 400, answer: { code: 11 } });
});

it('names a state machine bug as an internal error instead of throwing', async () => {
  node.get = () => Promise.reject(new TypeError('boom'));
  expect(await ask('kv/range', { key: a })).toMatchObject({ status: 500, answer: { code: 13, error: 'raftkv: boom' } });
});

it('tells the kind of operation and its result to the metrics', async () => {
  const asked = async (path: string, message: unknown): Promise<unknown> => {
    const { operation, result } = await gateway.handle(`/v3/${path}`, JSON.stringify(message));
    return [operation, result];
  };
  expect(await asked('kv/put', { key: a })).toEqual(['put', 'ok']);
  expect(await asked('kv/range', { key: a })).toEqual(['get', 'ok']);
  expect(await asked('kv/range', all)).toEqual(['scan', 'ok']);
  expect(await asked('kv/range', { key: a, revision: 99 })).toEqual(['get', 'future_revision']);
  expect(await asked('kv/txn', { success: [{ request_put: {} }] })).toEqual(['txn', 'key_empty']);
});
