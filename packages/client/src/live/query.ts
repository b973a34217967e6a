// What queries of one key and of a range share: the state that is handed out, built anew only when something in it changed; who listens; and
// whether the query is kept up to date with each batch (`isLive`) or looks again when it is asked. `live-core.ts` owns them.
import type { Key } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { Live, ReadState } from '../live.ts';
import { isSameState, pendingState } from './read-state.ts';
import type { Scene } from './scene.ts';

/** What a query asks of its owner. */
export interface QueryOwner {
  /** Somebody subscribed or looked: keep it up to date from now on. */
  revive(query: Query<unknown>): void;
  /** Nobody listens any more. */
  idle(): void;
}

export abstract class Query<T> implements Live<ReadState<T>> {
  readonly scene: Scene<unknown, never>;
  readonly #owner: QueryOwner;
  readonly listeners = new Set<() => void>();
  /** Kept up to date by its owner, which alone sets it. */
  isLive = false;
  /** Looked at, or listened to, since the owner last swept. */
  isUsed = true;
  /** Let go and then asked again, when another one already answers the same question: that one speaks for it. */
  twin: Query<T> | undefined;
  #state: ReadState<T> = pendingState;

  constructor(scene: Scene<unknown, never>, owner: QueryOwner) {
    this.scene = scene;
    this.#owner = owner;
  }

  /** Arrow functions: bindings hand them on without their object. */
  readonly subscribe = (onChange: () => void): (() => void) => {
    if (!this.isLive) this.#owner.revive(this as Query<unknown>);
    if (this.twin !== undefined) return this.twin.subscribe(onChange);
    // A listener of its own for each call, so that the same function may be given twice.
    const listener = (): void => onChange();
    this.listeners.add(listener);
    return () => {
      if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
      this.isUsed = true;
      this.#owner.idle();
    };
  };

  readonly getSnapshot = (): ReadState<T> => {
    this.isUsed = true;
    if (!this.isLive) this.#owner.revive(this as Query<unknown>);
    return this.twin === undefined ? this.#state : this.twin.getSnapshot();
  };

  readonly getServerSnapshot = (): ReadState<T> => pendingState;

  /** Looks at what changed (undefined: everything may have). Answers whether there is a new state. */
  refresh(changed: readonly Key[] | undefined): boolean {
    const { source } = this.scene;
    const { isReady, error, fetchStatus } = source;
    const before = this.#state;
    if (!isReady) {
      const status = error === undefined ? 'pending' : 'error';
      return this.#become({
        ...pendingState,
        status,
        error,
        fetchStatus,
        data: before.data,
        revision: before.revision,
      });
    }
    let data: T;
    try {
      data = this.look(before.status === 'success' ? changed : undefined);
    } catch (thrown) {
      return this.#fail(RaftkvError.from(thrown));
    }
    const pendingWrites = this.countPending();
    return this.#become({
      status: 'success',
      data,
      error: undefined,
      fetchStatus,
      source: pendingWrites > 0 ? 'local' : 'confirmed',
      pendingWrites,
      revision: before.status === 'success' && data === before.data ? before.revision : source.revision,
    });
  }

  /** The data as of now; the same object if nothing in it changed. */
  protected abstract look(changed: readonly Key[] | undefined): T;
  protected abstract countPending(): number;

  /** A value cannot be read (a codec says so): what was readable before stays, and the next change is looked at as a whole. */
  #fail(error: RaftkvError): boolean {
    const before = this.#state;
    const isSameError = before.error?.code === error.code && before.error.message === error.message;
    const { fetchStatus } = this.scene.source;
    return this.#become({ ...before, status: 'error', error: isSameError ? before.error : error, fetchStatus });
  }

  #become(state: ReadState<T>): boolean {
    if (isSameState(state, this.#state)) return false;
    this.#state = state;
    return true;
  }
}
