// The page of chaos in rooms: a tab of a room as an app has it, with an ear at its member, and ways to the others that can be taken away. The room itself is the
// product's, with the ways that a browser's rooms have; what is asked of it is `chaos-calls.ts`, by whom `test/chaos-web/`.
import { sever, silence, slowDown } from './chaos-ways.ts';
import { connect, text } from 'raftkv';
import type { Kv } from 'raftkv';
import { createRoom, joinRoom } from 'raftkv/room';
import type { Room, RoomInside, WebRoomOptions } from 'raftkv/room';
import { serveClient } from '@raftkv/server';
import { memoryChannelPair } from '@raftkv/transport';
import { chaosCalls } from './chaos-calls.ts';
import type { Note } from './chaos-calls.ts';
import type { ChaosLab, ChaosTabOptions } from './chaos-lab.ts';

type InsideMember = Parameters<NonNullable<RoomInside['onMember']>>[0];

const page = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
let room: Room<string> | undefined;
let member: InsideMember;
let alone: Kv<string> | undefined;
let reads: 'linearizable' | 'local' = 'linearizable';
/** Starts of a member in this page. */
let lives = 0;

/** Of this member, and nobody else. */
function asked(one: NonNullable<InsideMember>): Kv<string> {
  const dial = async () => {
    const { left, right } = memoryChannelPair();
    serveClient(right, one.node);
    return left;
  };
  return connect({ endpoints: ['self'], codec: text, requestTimeoutMilliseconds: 3_000, dial });
}

function inside({ name, notes, snapshotThreshold }: ChaosTabOptions): RoomInside {
  const say = (what: Omit<Note, 'name' | 'life'>): void => {
    if (notes === undefined) return;
    const note: Note = { name, life: `${page}/${lives}`, ...what };
    fetch(notes, { method: 'POST', mode: 'no-cors', keepalive: true, body: JSON.stringify(note) }).catch(
      () => undefined,
    );
  };
  return {
    replica: () => {
      lives += 1;
      if (lives > 1) say({ type: 'restarting' });
      return snapshotThreshold === undefined ? {} : { snapshotThreshold };
    },
    onMember: (one) => {
      member = one;
      void alone?.close();
      alone = one === undefined ? undefined : asked(one);
    },
    onEvent: (event) => {
      if (event.type === 'role') say({ type: 'role', role: event.role, term: event.term });
    },
  };
}

globalThis.chaosLab = {
  ...chaosCalls({
    kv: () => room?.kv,
    // Who reads what there is reads the copy, as an app would.
    alone: () => (reads === 'local' ? room?.kv : alone),
    reads: () => reads,
  }),
  open: async (options) => {
    reads = options.reads ?? 'linearizable';
    const { relay, electionTimeoutMilliseconds, room: how } = options;
    const given: WebRoomOptions<string> = {
      signalling: relay,
      codec: text,
      requestTimeoutMilliseconds: 3_000,
      policy: how!.policy,
      ...(electionTimeoutMilliseconds === undefined ? {} : { electionTimeoutMilliseconds }),
      inside: inside(options),
    };
    try {
      room = how!.link === undefined ? await createRoom({ ...given, name: 'chaos' }) : await joinRoom(how!.link, given);
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  },
  leave: async () => {
    await room!.leave();
    room = undefined;
  },
  link: () => room!.link,
  status: () => {
    const { self, phase, clusterId, error, tabs } = room!.status.getSnapshot();
    const raft = member?.replica.status().raft;
    return {
      self: self.word,
      phase: phase === 'open' && raft !== undefined ? 'running' : phase,
      standing: self.role,
      isLeader: self.isLeader,
      term: raft?.term ?? 0,
      leader: raft?.leaderId,
      priority: raft?.priority ?? 0,
      cluster: clusterId,
      error: error?.code,
      seen: tabs.map(({ word, role, isHere, isLeader, path }) => ({ word, role, isHere, isLeader, path })),
    };
  },
  isHidden: () => document.visibilityState === 'hidden',
  members: async () => {
    const { tabs, quorum } = room!.status.getSnapshot();
    const members = tabs.filter(({ role }) => role !== 'observer');
    return {
      isChanging:
        quorum.state !== 'works' ||
        quorum.isChanging ||
        members.some(({ isHere, role }) => !isHere || role !== 'voter'),
      members: members.map(({ word, role }) => ({ name: word, role })),
    };
  },
  sever,
  slowDown,
  silence,
} satisfies ChaosLab & { status(): object };
