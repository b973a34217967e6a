// The worker's side of WebRTC in a worker: connections that look like a browser's own, of which the page has the real ones. Their data channels come over into this
// thread, so that what travels does not wait for the page; what is agreed about them does. Where the browser keeps them in the page, what travels comes over.
import { RaftkvError, isErrorCode } from '@raftkv/wire';
import { BorrowedPort } from './borrowed-port.ts';
import type { DataPort } from './data-port.ts';
import type { BorrowerMessage, LenderMessage, LentCalls, LentFailure, LentState, LoanPort } from './lent-message.ts';
import type {
  IceCandidate,
  PeerConnection,
  PeerConnectionConfiguration,
  PeerConnectionConstructor,
  SessionDescription,
} from './peer-connection.ts';
import { PumpedPort } from './pumped-port.ts';

/**
 * For `openWebRtc` in a worker, as its `RTCPeerConnection`. The page gives the other end of the port to `lendPeerConnections`. A page that is busy does not hold up
 * channels that are open, only those that are to be; where the browser hands no data channel over, all of them.
 */
export function borrowPeerConnections(port: LoanPort): PeerConnectionConstructor {
  const borrowed = new Map<number, BorrowedConnection>();
  let count = 0;
  port.addEventListener('message', ({ data }) => {
    const message = data as LenderMessage;
    const connection = borrowed.get(message.id);
    if (connection !== undefined) connection.hear(message);
    // It was closed meanwhile, and what it was to have with it.
    else if (message.type === 'port') message.lent.close();
  });
  port.start();
  // Called with `new` by who takes it for the browser's.
  return class extends BorrowedConnection {
    constructor(configuration: PeerConnectionConfiguration) {
      const id = count++;
      super(
        id,
        (message, transfer) => port.postMessage(message, transfer),
        () => borrowed.delete(id),
      );
      borrowed.set(id, this);
      port.postMessage({ type: 'open', id, configuration } satisfies BorrowerMessage);
    }
  };
}

interface Call {
  resolve(value: SessionDescription | undefined): void;
  reject(error: unknown): void;
}

type StateEvent = 'connectionstatechange' | 'icegatheringstatechange';
type CandidateEvent = { readonly candidate: IceCandidate | null };

class BorrowedConnection implements PeerConnection {
  readonly #id: number;
  readonly #post: (message: BorrowerMessage, transfer?: object[]) => void;
  readonly #onClosed: () => void;
  #state: LentState = {
    signalingState: 'stable',
    connectionState: 'new',
    iceGatheringState: 'new',
    localDescription: null,
  };
  readonly #ports: BorrowedPort[] = [];
  /** Of those, by their number, the ones that stayed in the page. */
  readonly #kept = new Map<number, PumpedPort>();
  readonly #calls = new Map<number, Call>();
  #callCount = 0;
  readonly #stateListeners: { readonly type: StateEvent; readonly listener: () => void }[] = [];
  readonly #candidateListeners: ((event: CandidateEvent) => void)[] = [];

  constructor(id: number, post: (message: BorrowerMessage, transfer?: object[]) => void, onClosed: () => void) {
    this.#id = id;
    this.#post = post;
    this.#onClosed = onClosed;
  }

  get signalingState(): string {
    return this.#state.signalingState;
  }

  get connectionState(): string {
    return this.#state.connectionState;
  }

  get iceGatheringState(): string {
    return this.#state.iceGatheringState;
  }

  get localDescription(): SessionDescription | null {
    return this.#state.localDescription;
  }

  createDataChannel(label: string, init: { negotiated: boolean; id: number; protocol: string }): DataPort {
    const port = new BorrowedPort();
    this.#post({ type: 'openPort', id: this.#id, port: this.#ports.push(port) - 1, label, init });
    return port;
  }

  createOffer(options?: { iceRestart?: boolean }): Promise<SessionDescription> {
    return this.#call('createOffer', options) as Promise<SessionDescription>;
  }

  createAnswer(): Promise<SessionDescription> {
    return this.#call('createAnswer', undefined) as Promise<SessionDescription>;
  }

  async setLocalDescription(description: SessionDescription): Promise<void> {
    await this.#call('setLocalDescription', description);
  }

  async setRemoteDescription(description: SessionDescription): Promise<void> {
    await this.#call('setRemoteDescription', description);
  }

  async addIceCandidate(candidate: IceCandidate): Promise<void> {
    await this.#call('addIceCandidate', candidate);
  }

  addEventListener(type: StateEvent, listener: () => void): void;
  addEventListener(type: 'icecandidate', listener: (event: CandidateEvent) => void): void;
  addEventListener(type: StateEvent | 'icecandidate', listener: (event: CandidateEvent) => void): void {
    if (type === 'icecandidate') this.#candidateListeners.push(listener);
    else this.#stateListeners.push({ type, listener: listener as () => void });
  }

  close(): void {
    if (this.signalingState === 'closed') return;
    this.#state = { ...this.#state, signalingState: 'closed', connectionState: 'closed' };
    this.#post({ type: 'close', id: this.#id });
    this.#onClosed();
    for (const port of this.#ports) port.close();
    // The page says nothing more of a connection that is closed.
    for (const port of this.#kept.values()) port.hear({ type: 'portClosed' });
    for (const { reject } of this.#calls.values()) reject(new RaftkvError('closed', 'this connection is closed'));
    this.#calls.clear();
  }

  hear(message: LenderMessage): void {
    switch (message.type) {
      case 'port':
        return this.#ports[message.port]?.arrive(message.lent);
      case 'kept':
        return this.#keep(message.port);
      case 'candidate':
        for (const listener of this.#candidateListeners) listener(message);
        return;
      case 'state':
        this.#state = message.state;
        for (const { type, listener } of this.#stateListeners) if (type === message.event) listener();
        return;
      case 'answer':
        this.#state = message.state;
        return this.#take(message.call)?.resolve(message.value);
      case 'failure':
        this.#state = message.state ?? this.#state;
        return this.#take(message.call)?.reject(toError(message.failure));
      default:
        return this.#kept.get(message.port)?.hear(message);
    }
  }

  #keep(port: number): void {
    const pumped = new PumpedPort((request, transfer) => this.#post({ ...request, id: this.#id, port }, transfer));
    this.#kept.set(port, pumped);
    this.#ports[port]?.arrive(pumped);
  }

  #call<Method extends keyof LentCalls>(
    method: Method,
    argument: LentCalls[Method],
  ): Promise<SessionDescription | undefined> {
    if (this.signalingState === 'closed') return Promise.reject(new RaftkvError('closed', 'this connection is closed'));
    const call = this.#callCount++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#post({ type: 'call', id: this.#id, call, method, argument });
    });
  }

  #take(call: number): Call | undefined {
    const taken = this.#calls.get(call);
    this.#calls.delete(call);
    return taken;
  }
}

function toError({ name, message }: LentFailure): Error {
  return isErrorCode(name) ? new RaftkvError(name, message) : Object.assign(new Error(message), { name });
}
