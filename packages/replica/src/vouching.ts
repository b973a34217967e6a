// Reads that are confirmed by a storage which another process can take over unnoticed (a tab's). Confirming one writes nothing, so no fence would ever stop a process
// that was frozen and replaced: it could count itself for an old term, while its successor has voted in a newer one. So whatever speaks for a read (§6.4) is held
// back until the storage has proved, by a look that began later, that it is still this process's. Called by the replica's loop alone.
import type { HeartbeatResponse, Message, ReadState } from '@raftkv/raft';
import type { Storage } from '@raftkv/storage';

export interface VouchingHandlers {
  readonly send: (messages: readonly Message[]) => void;
  readonly confirm: (state: ReadState) => void;
  /** The storage is not ours any more, or failed. */
  readonly onFailed: (error: unknown) => void;
}

type Speaking = Pick<Storage, 'proveOwner'>;

export class Vouching {
  readonly #storage: Speaking;
  readonly #handlers: VouchingHandlers;
  /** What came since the look that is under way began. */
  #messages: Message[] = [];
  #states: ReadState[] = [];
  #isLooking = false;
  #isOver = false;

  constructor(storage: Speaking, handlers: VouchingHandlers) {
    this.#storage = storage;
    this.#handlers = handlers;
  }

  /** Sends these at once, but for what speaks for a read: that follows when it is proved. Order among messages is nothing the core relies on. */
  send(messages: readonly Message[]): void {
    if (this.#storage.proveOwner === undefined || !messages.some(speaksForRead)) return this.#handlers.send(messages);
    const others = messages.filter((message) => !speaksForRead(message));
    // That this member is there, the leader hears at once, however long the disk takes.
    const signs = messages.filter(isHeartbeatResponse).map((message) => ({ ...message, readToken: 0 }));
    if (others.length + signs.length > 0) this.#handlers.send([...others, ...signs]);
    this.#messages.push(...messages.filter(speaksForRead));
    this.#look();
  }

  confirm(states: readonly ReadState[]): void {
    for (const state of states) {
      if (this.#storage.proveOwner === undefined || state.refused !== undefined) this.#handlers.confirm(state);
      else this.#states.push(state);
    }
    if (this.#states.length > 0) this.#look();
  }

  /** Nothing is said any more. */
  close(): void {
    this.#isOver = true;
  }

  /** One look at a time: what comes while it is under way, it cannot speak for. */
  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const [messages, states] = [this.#messages, this.#states];
    this.#messages = [];
    this.#states = [];
    this.#storage.proveOwner!().then(
      () => this.#proved(messages, states),
      (error: unknown) => {
        if (!this.#isOver) this.#handlers.onFailed(error);
      },
    );
  }

  #proved(messages: readonly Message[], states: readonly ReadState[]): void {
    if (this.#isOver) return;
    this.#isLooking = false;
    if (messages.length > 0) this.#handlers.send(messages);
    for (const state of states) this.#handlers.confirm(state);
    if (this.#messages.length + this.#states.length > 0) this.#look();
  }
}

function speaksForRead(message: Message): boolean {
  if (message.type === 'readIndexResponse') return message.index !== undefined;
  return isHeartbeatResponse(message);
}

function isHeartbeatResponse(message: Message): message is HeartbeatResponse {
  return message.type === 'heartbeatResponse' && message.readToken > 0;
}
