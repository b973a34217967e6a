// A client of the etcd v3 JSON gateway, written against etcd's documentation alone: it shares no code with raftkv, so a
// mistake on both sides cannot hide. Used by the tests over real processes, from the random workload to curl-like checks.
import http from 'node:http';
import { sleep } from './wait.ts';

export interface GatewayReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface GatewayKeyValue {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
  readonly createRevision: number;
  readonly version: number;
}

/** A request that got no answer that says what happened. `definite`: it never reached a server. */
class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly definite: boolean;
  readonly status: number | undefined;

  constructor(message: string, details: { definite: boolean; status?: number; cause?: unknown }) {
    super(message, { cause: details.cause });
    this.definite = details.definite;
    this.status = details.status;
  }
}

export const toBase64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
export const fromBase64 = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8');

/** The end of the range of all keys with this prefix (ASCII prefixes only). */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCodePoint(prefix.codePointAt(prefix.length - 1)! + 1);
}

export class GatewayClient {
  readonly address: string;
  private readonly timeoutMilliseconds: number;
  private readonly isPatient: boolean;
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

  /**
   * `address` is "host:port". `isPatient`: reads and puts that nobody could answer in time, or that were too many, as on a busy machine while a leader is sought, are asked again. A put may
   * then take effect twice, with the same outcome but for its revision and version.
   */
  constructor(address: string, { timeoutMilliseconds = 30_000, isPatient = true } = {}) {
    this.address = address;
    this.timeoutMilliseconds = timeoutMilliseconds;
    this.isPatient = isPatient;
  }

  close(): void {
    this.agent.destroy();
  }

  /** Any request; answers with any status. Throws GatewayError when there was no answer. */
  request(method: string, path: string, body?: unknown): Promise<GatewayReply> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const fail = (cause: Error & { code?: string }): void =>
        reject(new GatewayError(cause.message, { definite: cause.code === 'ECONNREFUSED', cause }));
      const request = http.request(
        `http://${this.address}${path}`,
        { method, agent: this.agent, signal: AbortSignal.timeout(this.timeoutMilliseconds) },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode!, text, body: parseObject(text) }));
          response.on('error', fail);
        },
      );
      request.on('error', fail);
      request.end(payload);
    });
  }

  /** A POST that must succeed. A status of 400 is definite: the server refused. Other errors may have happened. */
  async call(path: string, body: unknown): Promise<Record<string, unknown>> {
    const reply = await this.request('POST', path, body);
    if (reply.status !== 200)
      throw new GatewayError(`${path} → ${reply.status} ${reply.text.trim()}`, {
        definite: reply.status === 400,
        status: reply.status,
      });
    return reply.body;
  }

  private async callAgain(path: string, body: unknown): Promise<Record<string, unknown>> {
    const end = performance.now() + this.timeoutMilliseconds;
    for (;;) {
      try {
        return await this.call(path, body);
      } catch (error) {
        const isLate = error instanceof GatewayError && (error.status === 503 || error.status === 429);
        if (!this.isPatient || !isLate || performance.now() > end) throw error;
        await sleep(50);
      }
    }
  }

  /** The revision of the put. */
  async put(key: string, value: string): Promise<number> {
    return revisionOf(await this.callAgain('/v3/kv/put', { key: toBase64(key), value: toBase64(value) }));
  }

  async get(key: string, { serializable = false } = {}): Promise<string | null> {
    const body = await this.callAgain('/v3/kv/range', { key: toBase64(key), serializable });
    return keyValuesOf(body)[0]?.value ?? null;
  }

  /** How many keys were deleted. */
  async delete(key: string): Promise<number> {
    return Number((await this.call('/v3/kv/deleterange', { key: toBase64(key) }))['deleted'] ?? 0);
  }

  /** Puts `value` if the key holds `old` (null: is absent). Whether it did. */
  async cas(key: string, old: string | null, value: string): Promise<boolean> {
    const base = { key: toBase64(key), result: 'EQUAL' };
    const compare =
      old === null
        ? { ...base, target: 'CREATE', create_revision: '0' }
        : { ...base, target: 'VALUE', value: toBase64(old) };
    const success = [{ request_put: { key: toBase64(key), value: toBase64(value) } }];
    return (await this.call('/v3/kv/txn', { compare: [compare], success }))['succeeded'] === true;
  }

  /** Everything with the prefix ('' = everything), and the revision it was read at. */
  async scan(
    prefix: string,
    { serializable = false, limit = 0 } = {},
  ): Promise<{ revision: number; keyValues: GatewayKeyValue[] }> {
    const range =
      prefix === ''
        ? { key: 'AA==', range_end: 'AA==' }
        : { key: toBase64(prefix), range_end: toBase64(prefixEnd(prefix)) };
    const body = await this.callAgain('/v3/kv/range', { ...range, serializable, limit: String(limit) });
    return { revision: revisionOf(body), keyValues: keyValuesOf(body) };
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<number> {
    const { text } = await this.request('GET', '/metrics');
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`${this.address} has no metric ${name}`);
    return Number(value);
  }

  /** The maintenance status, with the id of the node itself and of the leader it knows ("0" = none). */
  async status(): Promise<{ memberId: string; leader: string; term: number; applied: number }> {
    const body = await this.call('/v3/maintenance/status', {});
    const header = body['header'] as Record<string, string>;
    return {
      memberId: header['member_id']!,
      leader: String(body['leader'] ?? '0'),
      term: Number(body['raftTerm'] ?? 0),
      applied: Number(body['raftAppliedIndex'] ?? 0),
    };
  }
}

export function revisionOf(body: Record<string, unknown>): number {
  return Number((body['header'] as Record<string, string> | undefined)?.['revision'] ?? Number.NaN);
}

export function keyValuesOf(body: Record<string, unknown>): GatewayKeyValue[] {
  return ((body['kvs'] ?? []) as Record<string, string>[]).map((one) => ({
    key: fromBase64(one['key']),
    value: fromBase64(one['value']),
    modRevision: Number(one['mod_revision']),
    createRevision: Number(one['create_revision']),
    version: Number(one['version']),
  }));
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
