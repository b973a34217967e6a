// The control API of `raftkv dev`: what its page uses to stop, kill, pause and restart members, and to see how they and the import of the sample
// data are. It can end processes, so it answers only this machine, only pages of the cluster, and only who has the token of this run.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RaftkvError } from '@raftkv/wire';
import { isLoopbackAddress, isLoopbackHost, isSameSecret } from '../page.ts';
import { memberActions } from './dev-member.ts';
import type { DevMember, MemberAction, MemberState } from './dev-member.ts';

export interface DatasetState {
  /** `unavailable`: it is not installed. `waiting`: the cluster does not take writes at the moment; it goes on by itself. */
  readonly phase: 'unavailable' | 'idle' | 'running' | 'waiting' | 'done' | 'failed';
  readonly done: number;
  readonly total: number;
  readonly error: string | undefined;
}

export interface DevState {
  readonly members: readonly {
    readonly name: string;
    readonly address: string;
    readonly process: MemberState;
    readonly pid: number | undefined;
    readonly starts: number;
    readonly note: string | undefined;
  }[];
  readonly dataset: DatasetState;
}

export interface ControlOptions {
  readonly members: readonly Pick<DevMember, 'name' | 'port' | 'state' | 'pid' | 'starts' | 'note' | 'act'>[];
  readonly dataset: { readonly state: DatasetState; start(again: boolean): void };
  readonly token: string;
  /** Origins of the pages that may use it. */
  readonly origins: readonly string[];
}

export interface Control {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

/** Listens on a free port of the loopback interface. */
export async function openControl(options: ControlOptions): Promise<Control> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    // Nothing here takes a body.
    request.resume();
    answer(options, request, response).catch((error: unknown) => {
      const { code, message } = RaftkvError.from(error);
      send(response, code === 'invalid_argument' ? 409 : 500, { error: message });
    });
  });
  server.maxConnections = 64;
  server.requestTimeout = 10_000;
  await listenOnLoopback(server);
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: ControlOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { origin, host, authorization } = request.headers;
  if (!isLoopbackAddress(request.socket.remoteAddress) || !isLoopbackHost(host)) {
    return send(response, 403, { error: 'the control of this cluster answers its own machine only' });
  }
  if (origin !== undefined && !options.origins.includes(origin)) {
    return send(response, 403, { error: `pages of ${origin} may not control this cluster` });
  }
  if (origin !== undefined) response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-methods', 'GET, POST');
    response.setHeader('access-control-allow-headers', 'authorization');
    response.writeHead(204).end();
    return;
  }
  if (!isSameSecret(authorization ?? '', `Bearer ${options.token}`)) {
    return send(response, 401, { error: 'this needs the token of the running `raftkv dev`' });
  }
  await carryOut(options, request, response);
}

async function carryOut(options: ControlOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url } = request;
  const [, room, name, action, ...rest] = (url ?? '/').split('/');
  if (room === 'state' && name === undefined) {
    if (method !== 'GET') return refuseMethod(response, 'GET');
    return send(response, 200, stateOf(options));
  }
  if (room === 'dataset' && name === 'import' && action === undefined) {
    if (method !== 'POST') return refuseMethod(response, 'POST');
    options.dataset.start(true);
    return send(response, 202, stateOf(options));
  }
  const member = options.members.find((each) => each.name === name);
  if (room === 'members' && member !== undefined && isAction(action) && rest.length === 0) {
    if (method !== 'POST') return refuseMethod(response, 'POST');
    await member.act(action);
    return send(response, 202, stateOf(options));
  }
  send(response, 404, { error: `there is no ${url}` });
}

function stateOf({ members, dataset }: ControlOptions): DevState {
  return {
    members: members.map(({ name, port, state, pid, starts, note }) => ({
      name,
      address: `127.0.0.1:${port}`,
      process: state,
      pid,
      starts,
      note,
    })),
    dataset: dataset.state,
  };
}

function isAction(text: string | undefined): text is MemberAction {
  return (memberActions as readonly (string | undefined)[]).includes(text);
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader('allow', allowed);
  send(response, 405, { error: `this takes ${allowed}` });
}

function send(response: ServerResponse, status: number, body: DevState | { readonly error: string }): void {
  if (response.headersSent) return;
  response.setHeader('content-type', 'application/json');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.writeHead(status).end(JSON.stringify(body));
}

function listenOnLoopback(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
