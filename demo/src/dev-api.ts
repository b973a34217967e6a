// What the page may do to the cluster under `raftkv dev`: the key to it comes with the page, and everything here does nothing without one.

export const memberActions = ['stop', 'kill', 'pause', 'resume', 'start', 'restart'] as const;
export type MemberAction = (typeof memberActions)[number];
export type ProcessState = 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'killed' | 'failed';

export interface DevSession {
  readonly control: string;
  readonly token: string;
  readonly endpoints: readonly string[];
}

export interface DevMember {
  readonly name: string;
  readonly address: string;
  readonly process: ProcessState;
  readonly pid?: number;
  readonly starts: number;
  readonly note?: string;
}

export interface DatasetState {
  readonly phase: 'unavailable' | 'idle' | 'running' | 'waiting' | 'done' | 'failed';
  readonly done: number;
  readonly total: number;
  readonly error?: string;
}

export interface DevState {
  readonly members: readonly DevMember[];
  readonly dataset: DatasetState;
}

/** Undefined where the cluster is not a local one that may be broken. */
export async function findDevSession(): Promise<DevSession | undefined> {
  try {
    const response = await fetch('/dev.json', { cache: 'no-store' });
    if (!response.ok) return undefined;
    const session = (await response.json()) as Partial<DevSession>;
    return typeof session.token === 'string' ? (session as DevSession) : undefined;
  } catch {
    return undefined;
  }
}

export class DevApi {
  readonly #session: DevSession;

  constructor(session: DevSession) {
    this.#session = session;
  }

  state(): Promise<DevState> {
    return this.#ask('GET', '/state');
  }

  act(member: string, action: MemberAction): Promise<DevState> {
    return this.#ask('POST', `/members/${member}/${action}`);
  }

  importCities(): Promise<DevState> {
    return this.#ask('POST', '/dataset/import');
  }

  /** Rejects with a sentence. */
  async #ask(method: string, path: string): Promise<DevState> {
    let response: Response;
    try {
      response = await fetch(`${this.#session.control}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#session.token}` },
        cache: 'no-store',
      });
    } catch {
      throw new Error('The control of the cluster does not answer: was `raftkv dev` stopped?');
    }
    const body = (await response.json()) as DevState & { readonly error?: string };
    if (!response.ok) throw new Error(body.error ?? `The control answered ${response.status}.`);
    return body;
  }
}
