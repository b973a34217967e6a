// The page of chaos among members: a member that votes in a tab, a client of it within the page, and its ways to the others, each of which can be taken away. What is
// asked of it is `chaos-calls.ts`; who does what to it when is `test/chaos-web/`. Rooms have a page of their own, `chaos-room.ts`.
import { sever, silence, slowDown } from './chaos-ways.ts';
import { connect, text } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { openTabMember } from 'raftkv/member';
import type { TabMember, TabMemberEvent } from 'raftkv/member';
import { dialWebSocket } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc, relaySignalling } from '@raftkv/transport/webrtc';
import { chaosCalls } from './chaos-calls.ts';
import type { Note } from './chaos-calls.ts';
import type { ChaosLab, ChaosTabOptions } from './chaos-lab.ts';

const secret = 'what the tabs of a run of chaos know of each other';
const page = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
let member: TabMember | undefined;
let kv: ClusterKv<string> | undefined;
/** A client that asks the member of this page and nobody else, whoever leads. */
let alone: ClusterKv<string> | undefined;
let reads: 'linearizable' | 'local' = 'linearizable';

type OpenNetwork = Parameters<typeof openTabMember>[0]['openNetwork'];

function openNetwork(relay: string, { room, way = 'webrtc' }: NonNullable<ChaosTabOptions['member']>): OpenNetwork {
  return (door) => {
    if (way === 'broadcast') return openBroadcastDoor({ ...door, room });
    const dial = (signal: AbortSignal) => dialWebSocket(relay, { protocol: 'raftkv-signals.v1', signal });
    const signalling = relaySignalling({ room, secret, id: door.selfId, dial });
    if (way === 'websocket') sever(true, false);
    const webRtc = openWebRtc({
      ...door,
      signalling,
      relayed: signalling.links,
      ...(way === 'websocket' ? { limits: { relayAfterMilliseconds: 0 } } : {}),
    });
    return {
      dial: (peerId, how) => webRtc.dial(peerId, how),
      ...(way === 'websocket' ? {} : { dialDirect: (peerId, how) => webRtc.dialDirect(peerId, how) }),
      networkChanged: () => signalling.networkChanged(),
      close: () => {
        webRtc.close();
        signalling.close();
      },
    };
  };
}

function teller({ name, notes }: ChaosTabOptions): (event: TabMemberEvent) => void {
  let lives = 0;
  return (event) => {
    if (event.type === 'restarting') lives += 1;
    if (notes === undefined || !['role', 'running', 'restarting', 'stopped'].includes(event.type)) return;
    const role = event.type === 'role' ? { role: event.role, term: event.term } : {};
    const what: Note = { name, life: `${page}/${lives}`, type: event.type, ...role };
    fetch(notes, { method: 'POST', mode: 'no-cors', keepalive: true, body: JSON.stringify(what) }).catch(
      () => undefined,
    );
  };
}

globalThis.chaosLab = {
  ...chaosCalls({ kv: () => kv, alone: () => alone, reads: () => reads }),
  open: async (options) => {
    const { name, relay, electionTimeoutMilliseconds, snapshotThreshold } = options;
    const { cluster, steal } = options.member!;
    reads = options.reads ?? 'linearizable';
    try {
      member = await openTabMember({
        name,
        cluster,
        storage: 'strict',
        ...(steal === undefined ? {} : { steal }),
        ...(electionTimeoutMilliseconds === undefined ? {} : { electionTimeoutMilliseconds }),
        ...(snapshotThreshold === undefined ? {} : { snapshotThreshold }),
        openNetwork: openNetwork(relay, options.member!),
        onEvent: teller(options),
      });
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
    const { address, dial } = member;
    const client = { endpoints: [address], codec: text, requestTimeoutMilliseconds: 3_000 };
    kv = connect({ ...client, dial });
    alone = connect({
      ...client,
      dial: (endpoint, how) =>
        endpoint === address ? dial(endpoint, how) : Promise.reject(new Error('nobody else is asked')),
    });
    return undefined;
  },
  leave: () => member!.close({ handOver: true }),
  link: () => {
    throw new Error('a member is in no room');
  },
  status: () => {
    const { name, phase, standing, isLeader, term, leader, priority, clusterId, error } = member!.status();
    return {
      self: name,
      phase,
      standing,
      isLeader,
      term,
      leader,
      priority,
      cluster: clusterId,
      error: error?.code,
    };
  },
  isHidden: () => document.visibilityState === 'hidden',
  members: async () => {
    const { members, isChanging } = await kv!.members.list();
    return { isChanging, members: members.map(({ name, role }) => ({ name, role })) };
  },
  sever,
  slowDown,
  silence,
} satisfies ChaosLab;
