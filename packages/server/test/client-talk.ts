// Speaks the client protocol in frames with a session over a single member, for the tests of what a node owes to whoever connects.
import { Store } from '@raftkv/kv';
import type { CommandResult } from '@raftkv/kv';
import { memoryChannelPair } from '@raftkv/transport';
import { decodeCommand, decodeServerFrame, encodeClientFrame, encodeCommand, rangeFrom } from '@raftkv/wire';
import type { AdminRequest, AdminResult, ClientMessage, NodeStatus, RaftkvError, ServerMessage } from '@raftkv/wire';
import { serveClient } from '../src/client-session.ts';
import type { ClientSessionOptions } from '../src/client-session.ts';
import type { KvStateMachine } from '../src/kv-state-machine.ts';
import type { KvNode } from '../src/node-api.ts';
import { Watchers } from '../src/watchers.ts';
import type { TestNode } from './test-node.ts';

export const range = rangeFrom({ all: true });
const status = { clusterId: 'c0', memberId: '0a', name: 'n', leader: 'h:1', members: [] } as unknown as NodeStatus;

export function put(key: string, value: Uint8Array): Uint8Array {
  return encodeCommand({ session: undefined, command: { type: 'put', key, value } });
}

/** A single member: the store itself, with the watchers that real members have. */
export class SoleNode {
  readonly store = new Store();
  readonly clusterId = 'c0';
  readonly memberId = '0a';
  readonly term = 1;
  readonly isLeader = true;
  leader: string | undefined = 'h:1';
  linearizations = 0;
  readonly #appliedListeners = new Set<() => void>();
  readonly leaderListeners = new Set<() => void>();
  readonly #watchers: Watchers;
  #index = 0;

  constructor() {
    const machine = { store: this.store, onApplied: (listener: () => void) => this.#appliedListeners.add(listener) };
    this.#watchers = new Watchers(machine as unknown as KvStateMachine);
  }
  get revision(): number {
    return this.store.revision;
  }
  get compactedRevision(): number {
    return this.store.compactedRevision;
  }
  get watcherCount(): number {
    return this.#watchers.count;
  }
  apply(command: Uint8Array): CommandResult {
    const result = this.store.apply(++this.#index, decodeCommand(command));
    for (const listener of this.#appliedListeners) listener();
    return result;
  }
  async write(command: Uint8Array): Promise<CommandResult> {
    return this.apply(command);
  }
  async linearize(): Promise<void> {
    this.linearizations += 1;
  }
  get = async (key: string) => this.getLocal(key);
  scan = async () => this.scanLocal();
  execute = () => Promise.reject(new Error('not used'));
  getLocal(key: string, options: { revision?: number } = {}) {
    return this.store.get(key, { revision: options.revision }) as never;
  }
  scanLocal(scanned = range, options = {}) {
    return this.store.scan(scanned, options) as never;
  }
  watch(watched: typeof range, from: number, onReady: () => void) {
    return this.#watchers.open(watched, from, onReady);
  }
  observe = (): never => {
    throw new Error('not used');
  };
  onLeaderChange(listener: () => void): () => void {
    this.leaderListeners.add(listener);
    return () => this.leaderListeners.delete(listener);
  }
  readonly memberListeners = new Set<() => void>();
  onMembersChange(listener: () => void): () => void {
    this.memberListeners.add(listener);
    return () => this.memberListeners.delete(listener);
  }
  onAdmin: (request: AdminRequest) => Promise<AdminResult> = () => Promise.reject(new Error('not used'));
  admin(request: AdminRequest): Promise<AdminResult> {
    return this.onAdmin(request);
  }
  status(): NodeStatus {
    return status;
  }
}

interface Peer {
  readonly received: ServerMessage[];
  readonly frames: Uint8Array[];
  ended: RaftkvError | 'in order' | undefined;
  send(...messages: ClientMessage[]): void;
  raw(bytes: Uint8Array): void;
  /** Lets everything that is due happen. */
  settle(): Promise<void>;
  of<Type extends ServerMessage['type']>(type: Type): Extract<ServerMessage, { type: Type }>[];
}

export function talk(node: SoleNode | TestNode, options: ClientSessionOptions = {}, channel = {}, greet = true) {
  const pair = memoryChannelPair(channel);
  const session = serveClient(pair.right, node as KvNode, options);
  const peer: Peer = {
    received: [],
    frames: [],
    ended: undefined,
    send: (...messages) => pair.left.send(encodeClientFrame(messages)),
    raw: (bytes) => pair.left.send(bytes),
    settle: () => new Promise((resolve) => setTimeout(resolve, 0)),
    of: (type) => peer.received.filter((message) => message.type === type) as never,
  };
  pair.left.start({
    onFrame: (frame) => {
      peer.frames.push(frame);
      peer.received.push(...decodeServerFrame(frame));
    },
    onClose: (error) => {
      peer.ended = error ?? 'in order';
    },
  });
  if (greet) peer.send({ type: 'hello', versions: [1] });
  return { peer, session, pair };
}
