// The page of chaos among tabs: a member, a client of it within the page, and its ways to the others, each of which can be taken away. Calls are made and
// awaited from outside, so that one clock times those of all tabs. Who does what to it when is `test/chaos-web/`.
import { connect, text } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { openTabMember } from 'raftkv/member';
import type { TabCluster, TabMember, TabMemberEvent } from 'raftkv/member';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc, relaySignalling } from '@raftkv/transport/webrtc';
import type { Seen, Write } from '../../chaos/work/act.ts';
import type { Told as ToldOfWrite } from '../../chaos/work/client-loop.ts';
import type { Entry } from '../../chaos/work/watchers.ts';

export interface ChaosTabOptions {
  readonly name: string;
  readonly cluster: TabCluster;
  readonly room: string;
  /** Of signals, and of frames where no direct way leads. */
  readonly relay: string;
  /**
   * `webrtc`: as a room does. `websocket`: by the relay alone, which is a WebSocket for each tab. `broadcast`: tabs of one profile, which need neither.
   * Default `webrtc`.
   */
  readonly way?: 'webrtc' | 'websocket' | 'broadcast';
  /** Where what the member tells of itself is sent at once, so that it is known whatever becomes of the page. */
  readonly notes?: string;
  readonly steal?: boolean;
  /** How `get` reads. `local` is there to show that the judge objects to it. Default `linearizable`. */
  readonly reads?: 'linearizable' | 'local';
  readonly electionTimeoutMilliseconds?: number;
  readonly snapshotThreshold?: number;
}

/** What a member told of itself. `life`: of one page, and within it of one start of the member. */
export interface Note {
  readonly name: string;
  readonly life: string;
  readonly type: string;
  readonly role?: string;
  readonly term?: number;
}

/** Survives the page's own errors as plain data: classes do not cross to the test. */
type Told<T> =
  | { readonly value: T }
  | { readonly error: { readonly message: string; readonly code: string; readonly definite: boolean } };

const secret = 'what the tabs of a run of chaos know of each other';
const life = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
const channels = new Set<Channel>();
const relayChannels = new Set<Channel>();
const severed = { links: false, relay: false };

/** Behind a firewall it finds no way but a TURN server's, and there is none. */
class SeverableConnection extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(severed.links ? { ...configuration, iceTransportPolicy: 'relay' } : configuration);
  }
}

async function told<T>(
  ask: (kv: ClusterKv<string>) => Promise<T>,
  kv: ClusterKv<string> | undefined = chaosLab.kv,
): Promise<Told<T>> {
  if (kv === undefined) return { error: { message: 'no member is open yet', code: 'closed', definite: true } };
  try {
    return { value: await ask(kv) };
  } catch (error) {
    const { message, code, definite } = error as { message: string; code: string; definite: boolean };
    return { error: { message, code, definite } };
  }
}

const seen = ({ key, value, revision }: Seen & { readonly revision: number }): Seen => ({ key, value, revision });

function openNetwork(options: ChaosTabOptions): Parameters<typeof openTabMember>[0]['openNetwork'] {
  const { room, relay, way = 'webrtc' } = options;
  return (door) => {
    if (way === 'broadcast') return openBroadcastDoor({ ...door, room });
    const dial = async (signal: AbortSignal): Promise<Channel> => {
      if (severed.relay) throw new Error('the relay is out of reach');
      const channel = await dialWebSocket(relay, { protocol: 'raftkv-signals.v1', signal });
      relayChannels.add(channel);
      return channel;
    };
    const signalling = relaySignalling({ room, secret, id: door.selfId, dial });
    severed.links = way === 'websocket';
    const webRtc = openWebRtc({
      ...door,
      signalling,
      relayed: signalling.links,
      RTCPeerConnection: SeverableConnection,
      ...(way === 'websocket' ? { limits: { relayAfterMilliseconds: 0 } } : {}),
      onChannel: (channel, from, purpose) => {
        channels.add(channel);
        door.onChannel(channel, from, purpose);
      },
    });
    const kept = async (channel: Promise<Channel>): Promise<Channel> => {
      const opened = await channel;
      channels.add(opened);
      return opened;
    };
    return {
      dial: (peerId, how) => kept(webRtc.dial(peerId, how)),
      ...(way === 'websocket' ? {} : { dialDirect: (peerId, how) => kept(webRtc.dialDirect(peerId, how)) }),
      networkChanged: () => signalling.networkChanged(),
      close: () => {
        webRtc.close();
        signalling.close();
      },
    };
  };
}

const chaosLab = {
  member: undefined as TabMember | undefined,
  kv: undefined as ClusterKv<string> | undefined,
  /** A client that asks the member of this page and nobody else, whoever leads. */
  alone: undefined as ClusterKv<string> | undefined,
  reads: 'linearizable' as 'linearizable' | 'local',
  /** Undefined, or the code of what it was refused with. */
  open: async (options: ChaosTabOptions): Promise<string | undefined> => {
    const { name, cluster, notes, steal, electionTimeoutMilliseconds, snapshotThreshold } = options;
    chaosLab.reads = options.reads ?? 'linearizable';
    let lives = 0;
    const note = (event: TabMemberEvent): void => {
      if (event.type === 'restarting') lives += 1;
      if (notes === undefined || !['role', 'running', 'restarting', 'stopped'].includes(event.type)) return;
      const role = event.type === 'role' ? { role: event.role, term: event.term } : {};
      const what: Note = { name, life: `${life}/${lives}`, type: event.type, ...role };
      fetch(notes, { method: 'POST', mode: 'no-cors', keepalive: true, body: JSON.stringify(what) }).catch(
        () => undefined,
      );
    };
    try {
      chaosLab.member = await openTabMember({
        name,
        cluster,
        storage: 'strict',
        ...(steal === undefined ? {} : { steal }),
        ...(electionTimeoutMilliseconds === undefined ? {} : { electionTimeoutMilliseconds }),
        ...(snapshotThreshold === undefined ? {} : { snapshotThreshold }),
        openNetwork: openNetwork(options),
        onEvent: note,
      });
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
    const { address, dial } = chaosLab.member;
    const client = { endpoints: [address], codec: text, requestTimeoutMilliseconds: 3_000 };
    chaosLab.kv = connect({ ...client, dial });
    chaosLab.alone = connect({
      ...client,
      dial: (endpoint, how) =>
        endpoint === address ? dial(endpoint, how) : Promise.reject(new Error('nobody else is asked')),
    });
    return undefined;
  },
  status: () => {
    const status = chaosLab.member!.status();
    return { ...status, error: status.error?.code };
  },
  isHidden: (): boolean => document.visibilityState === 'hidden',
  members: async () => {
    const { members, isChanging } = await chaosLab.kv!.members.list();
    return { isChanging, members: members.map(({ name, role }) => ({ name, role })) };
  },
  /** Ways to the others are gone, or there again: the direct ones, and the relay. */
  sever: (links: boolean, relay: boolean): void => {
    severed.links = links;
    severed.relay = relay;
    const gone = [...(links ? channels : []), ...(relay ? relayChannels : [])];
    if (links) channels.clear();
    if (relay) relayChannels.clear();
    for (const channel of gone) channel.close();
  },

  get: (key: string) => {
    const { reads, alone, kv } = chaosLab;
    const ask = async (one: ClusterKv<string>): Promise<Seen | undefined> => {
      const entry = await one.getEntry(key, { level: reads });
      return entry === undefined ? undefined : seen(entry);
    };
    return told(ask, reads === 'local' ? alone : kv);
  },
  put: (key: string, value: string) =>
    told(async (kv): Promise<ToldOfWrite> => ({ revision: await kv.put(key, value) })),
  delete: (key: string) =>
    told(async (kv): Promise<ToldOfWrite> => {
      const { deleted, revision } = await kv.delete(key);
      return { ok: deleted, ...(deleted ? { revision } : {}) };
    }),
  cas: (key: string, expected: string | null, value: string) =>
    told(async (kv): Promise<ToldOfWrite> => {
      const condition = expected === null ? { key, exists: false } : { key, value: expected };
      const { succeeded, revision } = await kv.txn().if(condition).then({ type: 'put', key, value }).commit();
      return { ok: succeeded, ...(succeeded ? { revision } : {}) };
    }),
  batch: (writes: readonly Write[]) =>
    told(async (kv): Promise<ToldOfWrite> => {
      const ops = writes.map(({ key, value }) =>
        value === null ? ({ type: 'delete', key } as const) : ({ type: 'put', key, value } as const),
      );
      return { revision: (await kv.batch(ops)).revision };
    }),
  writeIfUnchanged: (keys: readonly Seen[], writes: readonly Write[]) =>
    told(async (kv): Promise<ToldOfWrite> => {
      const conditions = keys.map(({ key, revision }) => ({ key, revision: revision ?? 0 }));
      const puts = writes.map(({ key, value }) => ({ type: 'put', key, value: value ?? '' }) as const);
      const { succeeded, revision } = await kv
        .txn()
        .if(...conditions)
        .then(...puts)
        .commit();
      return { ok: succeeded, ...(succeeded ? { revision } : {}) };
    }),
  scan: (prefix: string) =>
    told(async (kv) => {
      const found: Seen[] = [];
      let revision = 0;
      for await (const page of kv.scan({ prefix, pageSize: 4 }).pages()) {
        revision = page.revision;
        found.push(...page.entries.map(seen));
      }
      return { revision, seen: found };
    }),

  /** Puts for so long, by callers that each wait for their own answer: what each put took, in milliseconds, and how long all of it took. */
  puts: async (callers: number, milliseconds: number): Promise<{ times: number[]; took: number }> => {
    const value = 'v'.repeat(256);
    const times: number[] = [];
    const begun = performance.now();
    const caller = async (who: number): Promise<void> => {
      while (performance.now() - begun < milliseconds) {
        const from = performance.now();
        await chaosLab.kv!.put(`bench/${who}`, value);
        times.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, who) => caller(who)));
    return { times, took: performance.now() - begun };
  },

  /** Every change from a revision on that comes within so long. */
  changes: (from: number, milliseconds: number) =>
    told(async (kv): Promise<Entry[]> => {
      const entries: Entry[] = [];
      const watch = kv.watch({ all: true }, { from });
      const timer = setTimeout(() => watch.close(), milliseconds);
      for await (const { revision, events } of watch) {
        entries.push({
          revision,
          writes: events.map((event) => ({
            key: event.key,
            value: event.type === 'put' ? event.entry.value : null,
          })),
        });
      }
      clearTimeout(timer);
      return entries;
    }),
  /** The newest revision that this member holds, and everything that it holds. */
  state: () =>
    told(async (kv) => {
      const { revision } = await kv.status();
      const held = [];
      for await (const entry of kv.scan({ all: true, level: 'local' })) {
        const { key, value, revision: at, createRevision, version } = entry;
        held.push([key, { value, revision: at, createRevision, version }] as const);
      }
      return { revision, held };
    }, chaosLab.alone),
};

declare global {
  // Seen by the functions that a run evaluates in the page.
  var chaosLab: ChaosLab;
}
export type ChaosLab = typeof chaosLab;

globalThis.chaosLab = chaosLab;
