// The worker's side of a member that lives in one: the same member as in a page, with the storage, the core and the network in this thread. It is moved by
// the events of its page, and only by those: that the page is busy is nothing it notices. An app's worker calls it, with its network.
import { serveDials } from '@raftkv/transport/web';
import { borrowPeerConnections } from '@raftkv/transport/webrtc';
import type { PeerConnectionConstructor } from '@raftkv/transport/webrtc';
import { RaftkvError } from '@raftkv/wire';
import { openTabMember } from '../member/open-tab-member.ts';
import type { TabMember } from '../member/tab-member.ts';
import type { OpenTabNetwork, TabMemberEvent } from '../member/tab-options.ts';
import { MovedPage } from './moved-page.ts';
import type { PageMessage, ToldError, WorkerMessage } from './talk.ts';

export interface ServeTabMemberOptions {
  /** As that of `openTabMember`, called in the worker. `words`: what the page gave along, to be judged like any input. */
  readonly openNetwork: (door: WorkerDoor, words: unknown) => ReturnType<OpenTabNetwork>;
  /** For the log. */
  readonly onEvent?: (event: TabMemberEvent) => void;
}

export type WorkerDoor = Parameters<OpenTabNetwork>[0] & {
  /** For `openWebRtc`: a worker has none of its own. The page has the connections, and their data channels are in this thread. */
  readonly RTCPeerConnection: PeerConnectionConstructor;
};

/**
 * Waits for the page to open the member. Called once, in the first turn of a worker's script.
 *
 * @example
 * ```ts
 * serveTabMember({ openNetwork: (door) => openBroadcastDoor({ ...door, room: 'todo' }) });
 * // or: openNetwork: (door) => openWebRtc({ ...door, signalling: broadcastSignalling(new BroadcastChannel('todo')) })
 * ```
 */
export function serveTabMember(options: ServeTabMemberOptions): void {
  const scope = globalThis as unknown as Scope;
  const post = (message: WorkerMessage): void => scope.postMessage(message);
  const page = new MovedPage();
  let opening: Promise<TabMember> | undefined;
  scope.addEventListener('message', ({ data: message }) => {
    switch (message.type) {
      case 'open':
        opening = open(message, page, options, post);
        opening.catch((error: unknown) => post({ type: 'refused', error: told(error) }));
        return;
      case 'page':
        return page.hear(message);
      case 'close':
        void opening?.then((member) => close(member, message.handOver, post));
    }
  });
}

interface Scope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: PageMessage }) => void): void;
}

type Open = Extract<PageMessage, { type: 'open' }>;

async function open(
  asked: Open,
  page: MovedPage,
  { openNetwork, onEvent }: ServeTabMemberOptions,
  post: (message: WorkerMessage) => void,
): Promise<TabMember> {
  const { options, words, dials, connections, lifeLock } = asked;
  page.begin(asked);
  // Never given back: it goes with the thread.
  page.locks
    ?.request(lifeLock, () => {
      post({ type: 'alive' });
      return new Promise<never>(() => {});
    })
    .catch(() => undefined);
  const RTCPeerConnection = borrowPeerConnections(connections);
  const member = await openTabMember({
    ...options,
    openNetwork: (door) => openNetwork({ ...door, RTCPeerConnection }, words),
    page,
    ...(onEvent && { onEvent }),
  });
  const tell = (): void => {
    const { error, ...status } = member.status();
    post({ type: 'status', status: { ...status, error: error && told(error) } });
  };
  member.onChange(tell);
  tell();
  serveDials(dials, member.dial);
  post({ type: 'opened', address: member.address });
  return member;
}

async function close(member: TabMember, handOver: boolean, post: (message: WorkerMessage) => void): Promise<void> {
  try {
    await member.close({ handOver });
    post({ type: 'closed', error: undefined });
  } catch (error) {
    post({ type: 'closed', error: told(error) });
  }
}

function told(error: unknown): ToldError {
  const { code, message, definite } = RaftkvError.from(error);
  return { code, message, definite };
}
