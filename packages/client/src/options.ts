// What `connect` takes, and every default and limit of the client in one place.
import type { Channel } from '@raftkv/transport';
import { RaftkvError, defaultLimits } from '@raftkv/wire';
import type { Compression, Limits } from '@raftkv/wire';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Codec } from './codec.ts';
import { dialEndpoint } from './dial.ts';

/** Opens a channel to an endpoint; the client says hello on it. Rejects with a RaftkvError. */
export type Dial = (endpoint: string, options: { readonly signal: AbortSignal }) => Promise<Channel>;

export interface ConnectOptions<Value = unknown> {
  /** "host:port" of some or all members (or a URL: "wss://kv.example.org"). Others are learnt from the cluster when they lead. */
  readonly endpoints: readonly string[];
  /** How values become bytes. Default `json`. */
  readonly codec?: Codec<Value>;
  /** What keys in answers are. Default 'text'. */
  readonly keys?: 'text' | 'bytes';
  /** Talk to this cluster only (16 hexadecimal digits). Default: to whichever the first endpoint that answers belongs to. */
  readonly clusterId?: string;
  /** For a call as a whole, retries and waiting included. Default 5 s. */
  readonly requestTimeoutMilliseconds?: number;
  /** For opening one connection, the welcome included. Default 3 s. */
  readonly connectTimeoutMilliseconds?: number;
  /** Attempts after the first. Waiting for a leader to be elected is not counted, unless this is 0. Default 3. */
  readonly retries?: number;
  /** Before the first retry; each further one waits twice as long. Jittered by a quarter. Default 100 ms. */
  readonly retryDelayMilliseconds?: number;
  /** Unanswered requests on one connection; further ones wait. Default 4,096, less if the server says so. */
  readonly maxInflightRequests?: number;
  /** Calls that wait for a connection or a free place; further ones fail with `busy`. Default 65,536. */
  readonly maxQueuedCalls?: number;
  /** Silence after which a connection is pinged. Default 15 s. */
  readonly keepAliveMilliseconds?: number;
  /**
   * How values above 1 KiB are compressed where it pays; false: never. One's own is `deflateCompression` with another `deflate`. Default: DEFLATE in plain
   * JavaScript (of a replica in a tab: never, it would be a seventh of its code).
   */
  readonly compression?: Compression | false;
  readonly limits?: Limits;
  /** Default: a WebSocket to `ws://endpoint/ws`. */
  readonly dial?: Dial;
  readonly clock?: Clock;
  /** From 0 to below 1. Default Math.random. */
  readonly random?: () => number;
}

/** The options with nothing left open. */
export interface Settings {
  readonly endpoints: readonly string[];
  readonly clusterId: string | undefined;
  /** Connects when there is something to ask, not before. For who may never ask: a copy that somebody else feeds. */
  readonly isLazy: boolean;
  readonly requestTimeoutMilliseconds: number;
  readonly connectTimeoutMilliseconds: number;
  readonly retries: number;
  readonly retryDelayMilliseconds: number;
  readonly maxInflightRequests: number;
  readonly maxQueuedCalls: number;
  readonly keepAliveMilliseconds: number;
  readonly compression: Compression | undefined;
  readonly limits: Limits;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Throws `invalid_argument` for what makes no sense. `compression` is what is used where the options do not say: not every caller can afford it. */
export function settle(
  options: ConnectOptions<never>,
  defaults: { readonly compression?: Compression } = {},
): Settings {
  if (typeof options !== 'object' || options === null)
    throw new RaftkvError('invalid_argument', 'connect needs options');
  const { endpoints, compression, codec, keys = 'text' } = options;
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new RaftkvError('invalid_argument', 'connect needs a list of at least one endpoint');
  }
  for (const endpoint of endpoints as readonly unknown[]) {
    if (typeof endpoint === 'string' && endpoint !== '') continue;
    throw new RaftkvError('invalid_argument', `${String(endpoint)} is no endpoint; "host:port" is one`);
  }
  if (codec !== undefined && !(typeof codec.encode === 'function' && typeof codec.decode === 'function')) {
    throw new RaftkvError('invalid_argument', 'a codec has two functions, encode and decode');
  }
  if (compression && typeof compression.packer !== 'function') {
    throw new RaftkvError('invalid_argument', 'compression is deflateCompression, something made of it, or false');
  }
  if (!['text', 'bytes'].includes(keys))
    throw new RaftkvError('invalid_argument', `keys is ${keys}; there are text, bytes`);
  return {
    endpoints: [...new Set(endpoints)],
    clusterId: options.clusterId,
    isLazy: false,
    ...numbersOf(options),
    compression: compression === false ? undefined : (compression ?? defaults.compression),
    limits: options.limits ?? defaultLimits,
    dial: options.dial ?? dialEndpoint,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

type NumberOption = keyof typeof numbers;

/** The least that each number may be, and its default. */
const numbers = {
  requestTimeoutMilliseconds: [1, 5_000],
  connectTimeoutMilliseconds: [1, 3_000],
  retries: [0, 3],
  retryDelayMilliseconds: [0, 100],
  maxInflightRequests: [1, 4_096],
  maxQueuedCalls: [1, 65_536],
  keepAliveMilliseconds: [1, 15_000],
} as const satisfies Partial<Record<keyof ConnectOptions, readonly [number, number]>>;

function numbersOf(options: ConnectOptions<never>): Pick<Settings, NumberOption> {
  const found: Partial<Record<NumberOption, number>> = {};
  for (const name of Object.keys(numbers) as NumberOption[]) {
    const [least, fallback] = numbers[name];
    const value = options[name] ?? fallback;
    if (!(typeof value === 'number' && value >= least)) {
      throw new RaftkvError('invalid_argument', `${name} is ${String(value)}; it must be at least ${least}`);
    }
    found[name] = value;
  }
  return found as Pick<Settings, NumberOption>;
}
