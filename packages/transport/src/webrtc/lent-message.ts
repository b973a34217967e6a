// What a page that has connections and the worker that uses them say to each other. Both come from one build of the app.
import type { DataPort } from './data-port.ts';
import type { IceCandidate, PeerConnectionConfiguration, SessionDescription } from './peer-connection.ts';

/** What can be asked of a connection and takes its time, with what is given along. */
export interface LentCalls {
  readonly createOffer: { readonly iceRestart?: boolean } | undefined;
  readonly createAnswer: undefined;
  readonly setLocalDescription: SessionDescription;
  readonly setRemoteDescription: SessionDescription;
  readonly addIceCandidate: IceCandidate;
}

/** Of a connection, as of the moment when it is told. */
export interface LentState {
  readonly signalingState: string;
  readonly connectionState: string;
  readonly iceGatheringState: string;
  readonly localDescription: SessionDescription | null;
}

/** An error of ours by its code, one of the browser by its name. */
export interface LentFailure {
  readonly name: string;
  readonly message: string;
}

/** To the page, about a data channel that stays there because the browser does not hand it over. */
export type PumpRequest =
  | { readonly type: 'portSend'; readonly data: ArrayBuffer }
  | { readonly type: 'portLow'; readonly bytes: number }
  | { readonly type: 'portClose' };

/** To the worker, about such a channel. `bytes`: of all that it was given, how many have left it. */
export type PumpWord =
  | { readonly type: 'portOpened' }
  | { readonly type: 'portMessage'; readonly data: unknown }
  | { readonly type: 'portSent'; readonly bytes: number }
  | { readonly type: 'portClosed' };

/** Of which connection, and which of its ports. */
interface OfPort {
  readonly id: number;
  readonly port: number;
}

/** To the page. `id`: which connection; `port`, `call`: which of its ports and calls. */
export type BorrowerMessage =
  | { readonly type: 'open'; readonly id: number; readonly configuration: PeerConnectionConfiguration }
  | {
      readonly type: 'openPort';
      readonly id: number;
      readonly port: number;
      readonly label: string;
      readonly init: { readonly negotiated: boolean; readonly id: number; readonly protocol: string };
    }
  | {
      readonly type: 'call';
      readonly id: number;
      readonly call: number;
      readonly method: keyof LentCalls;
      readonly argument: LentCalls[keyof LentCalls];
    }
  | { readonly type: 'close'; readonly id: number }
  | (PumpRequest & OfPort);

/** To the worker. `kept`: the port is not handed over, and what becomes of it is told. */
export type LenderMessage =
  | ({ readonly type: 'kept' } & OfPort)
  | (PumpWord & OfPort)
  | { readonly type: 'port'; readonly id: number; readonly port: number; readonly lent: DataPort }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly call: number;
      readonly state: LentState;
      readonly value: SessionDescription | undefined;
    }
  | {
      readonly type: 'failure';
      readonly id: number;
      readonly call: number;
      readonly failure: LentFailure;
      readonly state: LentState | undefined;
    }
  | {
      readonly type: 'state';
      readonly id: number;
      readonly event: 'connectionstatechange' | 'icegatheringstatechange';
      readonly state: LentState;
    }
  | { readonly type: 'candidate'; readonly id: number; readonly candidate: IceCandidate | null };

/** A MessagePort. */
export interface LoanPort {
  postMessage(message: unknown, transfer?: object[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  start(): void;
  close(): void;
}
