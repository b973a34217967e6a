// The page of the suites about members in tabs: a member and a client of it within the page, in reach of what a test evaluates in the tab.
import { connect } from 'raftkv';
import type { ClusterKv } from 'raftkv';
import { openTabMember } from 'raftkv/member';
import type { TabMember, TabMemberOptions, TabMemberStatus } from 'raftkv/member';
import { dialWebSocket } from '@raftkv/transport';
import type { Channel } from '@raftkv/transport';
import { openBroadcastDoor } from '@raftkv/transport/web';
import { openWebRtc, relaySignalling } from '@raftkv/transport/webrtc';
import { durabilities, watchDurabilities } from './durabilities.ts';

watchDurabilities();

export interface LabOptions extends Pick<
  TabMemberOptions,
  'name' | 'cluster' | 'storage' | 'steal' | 'electionTimeoutMilliseconds'
> {
  readonly room: string;
  /** Where tabs find each other for WebRTC. Default: they are tabs of one origin, and need none. */
  readonly relay?: string;
}

const secret = 'what the tabs of these suites know of each other';

/** How long a busy machine may let one wait for an answer. */
const patient = { timeoutMilliseconds: 60_000 };

/** Of WebRTC. */
const channels = new Set<Channel>();
let isCut = false;

export const memberLab = {
  member: undefined as TabMember | undefined,
  kv: undefined as ClusterKv | undefined,
  events: [] as string[],
  /** How often it was made leader, however short that was. */
  led: 0,
  durabilities,
  /** Of writes that a test began and looks at later: what became of them. */
  outcomes: new Map<string, string>(),
  open: async ({ room, relay, ...options }: LabOptions): Promise<void> => {
    const member = await openTabMember({
      ...options,
      openNetwork: (door) => {
        if (relay === undefined) return openBroadcastDoor({ ...door, room });
        const dial = (signal: AbortSignal) => dialWebSocket(relay, { protocol: 'raftkv-signals.v1', signal });
        const signalling = relaySignalling({ room, secret, id: door.selfId, dial });
        const webRtc = openWebRtc({
          ...door,
          signalling,
          isWelcome: () => !isCut,
          onChannel: (channel, from, purpose) => {
            channels.add(channel);
            door.onChannel(channel, from, purpose);
          },
        });
        return {
          dial: async (peerId, how) => {
            if (isCut) throw new Error('cut off');
            const channel = await webRtc.dial(peerId, how);
            channels.add(channel);
            return channel;
          },
          close: () => {
            webRtc.close();
            signalling.close();
          },
        };
      },
      onEvent: (event) => {
        memberLab.events.push(event.type);
        if (event.type === 'role' && event.role === 'leader') memberLab.led += 1;
      },
    });
    memberLab.member = member;
    memberLab.kv = connect({ endpoints: [member.address], dial: member.dial });
  },
  /** The code of what opening was refused with. */
  refusal: async (options: LabOptions): Promise<string> => {
    try {
      await memberLab.open(options);
      return 'opened';
    } catch (error) {
      return (error as { code: string }).code;
    }
  },
  status: (): Omit<TabMemberStatus, 'error'> & { readonly error: string | undefined } => {
    const status = memberLab.member!.status();
    return { ...status, error: status.error?.code };
  },
  put: (key: string, value: unknown): Promise<number> => memberLab.kv!.put(key, value, patient),
  get: (key: string): Promise<unknown> => memberLab.kv!.get(key, patient),
  /** Begins writes of this member alone: nobody asks again. */
  begin: (key: string, count: number): void => {
    const { member } = memberLab;
    const kv = connect({ endpoints: [member!.address], dial: member!.dial, retries: 0 });
    for (let i = 0; i < count; i += 1) {
      const name = `${key}/${i}`;
      kv.put(name, i).then(
        () => memberLab.outcomes.set(name, 'acknowledged'),
        (error: { readonly definite: boolean }) => memberLab.outcomes.set(name, error.definite ? 'refused' : 'unknown'),
      );
    }
  },
  /** Writes one after the other, and tells the test of each that was acknowledged. */
  writeOn: async (key: string): Promise<void> => {
    for (let i = 0; ; i += 1) {
      await memberLab.kv!.put(`${key}/${i}`, i);
      // Told and known before the next one, however fast this goes.
      await globalThis.noteAcknowledged?.(`${key}/${i}`);
    }
  },
  outcomesOf: (): [string, string][] => [...memberLab.outcomes],
  keys: async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of memberLab.kv!.scan({ prefix, ...patient })) found.push(key);
    return found;
  },
  remove: async (member: string): Promise<void> => void (await memberLab.kv!.members.remove(member)),
  members: () => memberLab.kv!.members.list(),
  /** No way leads to the others any more, or again. */
  cut: (cutOff: boolean): void => {
    isCut = cutOff;
    for (const channel of channels) channel.close();
    channels.clear();
  },
  close: async (handOver: boolean): Promise<void> => memberLab.member!.close({ handOver }),
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var memberLab: MemberLab;
  /** Of the test. */
  var noteAcknowledged: ((key: string) => unknown) | undefined;
}
export type MemberLab = typeof memberLab;

globalThis.memberLab = memberLab;
