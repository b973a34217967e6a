// The page's side of WebRTC in a worker: only a page may have an RTCPeerConnection, but its data channels may live in a worker, where no script of the page holds
// them up. So the page has the connections, does with them what the worker asks for, and hands over each data channel, or what passes it where the browser hands
// none over. What is agreed is the worker's business.
import { RaftkvError } from '@raftkv/wire';
import type { DataPort } from './data-port.ts';
import type { BorrowerMessage, LenderMessage, LentFailure, LentState, LoanPort, PumpRequest } from './lent-message.ts';
import { newConnection } from './new-connection.ts';
import type { PeerConnection, PeerConnectionConstructor, SessionDescription } from './peer-connection.ts';
import { PortPump } from './port-pump.ts';

export interface LendOptions {
  /** Default: the page's. */
  readonly RTCPeerConnection?: PeerConnectionConstructor;
  /** At a time; one more is refused with `busy`. Default 64, which is what `openWebRtc` opens. */
  readonly maxConnections?: number;
}

export interface Loan {
  /** The worker is gone, or needs them no more: all connections end. Idempotent. */
  close(): void;
}

const defaultMaxConnections = 64;

/**
 * Has connections for the worker at the other end of this port, which gives it to `borrowPeerConnections`. Where a browser cannot hand data channels over (Firefox
 * before 144, Chromium before 130), what travels passes the page, which holds it up while it is busy. One without WebRTC refuses each connection with
 * `unsupported`; a way through a relay is then found as it is wherever no direct one leads.
 *
 * @example
 * ```ts
 * const { port1, port2 } = new MessageChannel();
 * const loan = lendPeerConnections(port1);
 * worker.postMessage({ connections: port2 }, [port2]); // there: openWebRtc({ …, RTCPeerConnection: borrowPeerConnections(connections) })
 * ```
 */
export function lendPeerConnections(port: LoanPort, options: LendOptions = {}): Loan {
  return new Lender(port, options);
}

/** A connection, or why there is none. */
type Lent =
  | {
      readonly connection: PeerConnection;
      /** Those of its ports that stayed here. */
      readonly pumps: Map<number, PortPump>;
    }
  | { readonly failure: LentFailure };

class Lender implements Loan {
  readonly #port: LoanPort;
  readonly #options: LendOptions;
  readonly #lent = new Map<number, Lent>();

  constructor(port: LoanPort, options: LendOptions) {
    this.#port = port;
    this.#options = options;
    port.addEventListener('message', ({ data }) => this.#hear(data as BorrowerMessage));
    port.start();
  }

  close(): void {
    for (const id of this.#lent.keys()) this.#end(id);
    this.#port.close();
  }

  #hear(message: BorrowerMessage): void {
    const { id } = message;
    switch (message.type) {
      case 'open':
        return this.#open(message);
      case 'openPort':
        return this.#openPort(message);
      case 'call':
        return void this.#call(message);
      case 'close':
        return this.#end(id);
      default:
        return this.#pump(message.port, id, message);
    }
  }

  #open({ id, configuration }: Extract<BorrowerMessage, { type: 'open' }>): void {
    try {
      if (this.#lent.size >= (this.#options.maxConnections ?? defaultMaxConnections)) {
        throw new RaftkvError('busy', 'this page has no further connections at the moment');
      }
      const connection = newConnection(this.#options.RTCPeerConnection, configuration);
      this.#lent.set(id, { connection, pumps: new Map() });
      for (const event of ['connectionstatechange', 'icegatheringstatechange'] as const) {
        connection.addEventListener(event, () => this.#post({ type: 'state', id, event, state: stateOf(connection) }));
      }
      connection.addEventListener('icecandidate', ({ candidate }) => {
        this.#post({ type: 'candidate', id, candidate: candidate && plainCandidate(candidate) });
      });
    } catch (error) {
      this.#lent.set(id, { failure: failureOf(error) });
    }
  }

  #openPort({ id, port, label, init }: Extract<BorrowerMessage, { type: 'openPort' }>): void {
    const lent = this.#lent.get(id);
    if (lent === undefined || 'failure' in lent) return;
    let opened: DataPort;
    try {
      opened = lent.connection.createDataChannel(label, init);
    } catch (error) {
      lent.connection.close();
      return void this.#lent.set(id, { failure: failureOf(error) });
    }
    try {
      // Within the turn in which it is made: later a data channel can no longer be handed over.
      this.#post({ type: 'port', id, port, lent: opened }, [opened]);
    } catch {
      this.#post({ type: 'kept', id, port });
      const pump = new PortPump(opened, (word, transfer) => this.#post({ ...word, id, port }, transfer));
      lent.pumps.set(port, pump);
    }
  }

  #pump(port: number, id: number, request: PumpRequest): void {
    const lent = this.#lent.get(id);
    if (lent !== undefined && 'pumps' in lent) lent.pumps.get(port)?.take(request);
  }

  async #call({ id, call, method, argument }: Extract<BorrowerMessage, { type: 'call' }>): Promise<void> {
    const lent = this.#lent.get(id);
    if (lent === undefined) return;
    if ('failure' in lent) return this.#post({ type: 'failure', id, call, failure: lent.failure, state: undefined });
    const { connection } = lent;
    try {
      // What belongs together is typed in `lent-message.ts`, which a name chosen at run time cannot show.
      const act = connection[method] as (given: unknown) => Promise<SessionDescription | undefined>;
      const value = await act.call(connection, argument);
      this.#post({ type: 'answer', id, call, state: stateOf(connection), value: value && plainDescription(value) });
    } catch (error) {
      this.#post({ type: 'failure', id, call, failure: failureOf(error), state: stateOf(connection) });
    }
  }

  #end(id: number): void {
    const lent = this.#lent.get(id);
    this.#lent.delete(id);
    if (lent !== undefined && 'connection' in lent) lent.connection.close();
  }

  #post(message: LenderMessage, transfer: object[] = []): void {
    if (this.#lent.has(message.id)) this.#port.postMessage(message, transfer);
  }
}

function stateOf(connection: PeerConnection): LentState {
  const { signalingState, connectionState, iceGatheringState, localDescription } = connection;
  const description = localDescription && plainDescription(localDescription);
  return { signalingState, connectionState, iceGatheringState, localDescription: description };
}

/** A browser's own objects do not travel. */
function plainDescription({ type, sdp }: SessionDescription): SessionDescription {
  return sdp === undefined ? { type } : { type, sdp };
}

function plainCandidate({
  candidate,
  sdpMid = null,
  sdpMLineIndex = null,
}: Parameters<PeerConnection['addIceCandidate']>[0]) {
  return { candidate, sdpMid, sdpMLineIndex };
}

function failureOf(error: unknown): LentFailure {
  if (error instanceof RaftkvError) return { name: error.code, message: error.message };
  const { name = 'Error', message = String(error) } = error as Partial<Error>;
  return { name, message };
}
