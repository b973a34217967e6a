// What a replica lends to whoever keeps its own writes over the life of the page, and what it asks of them. Types only, so that a page which keeps none
// pays nothing: `outbox/` implements them, and comes to a replica as its option `outbox`.
import type { Limits } from '@raftkv/wire';
import type { BatchOp, BatchResult, LiveKv, MutateOptions, UserKey, Write, WriteOutbox } from '@raftkv/client';
import type { PrepareWrite } from '@raftkv/client/live';
import type { Answer, View } from '@raftkv/client/parts';

/** A command as bytes, with the stamp of a session of the keeper's own. */
export interface CommandRequest {
  readonly type: 'write';
  readonly id: number;
  readonly command: Uint8Array;
}

export interface CommandOptions {
  readonly timeoutMilliseconds: number;
  /** Tried again until its time is up. */
  readonly isPatient: boolean;
  /** Ends the sending; the command may happen nevertheless. */
  readonly signal?: AbortSignal;
  /** It is on its way; with false: its connection was lost. */
  readonly onSent?: (isSent: boolean) => void;
}

export interface OutboxHost<Value, K extends UserKey> {
  /** What is kept belongs to this alone, as to one room, beside what the app calls it; no slash. Default: to whoever asks by the same name. */
  readonly scope?: string;
  /** The cluster that writes are meant for, where that is known before a node of it has answered. */
  readonly cluster?: () => string | undefined;
  readonly kv: LiveKv<Value, K>;
  readonly look: View<Value, K>;
  readonly limits: Limits;
  readonly sender: {
    /** Rejects with what the store refuses, or with what no retry will change. */
    ask<T>(
      kind: 'write',
      request: () => CommandRequest,
      options: CommandOptions,
      convert: (answer: Answer) => T,
    ): Promise<T>;
    /** Resolves when answers of every kind can be read: in a page's production build some of the code for that is loaded later. Rejects where it cannot be had now. */
    prefetch?(): Promise<unknown>;
  };
  readonly queue: {
    /** As `kv.mutate`; with `prepare` a write that was made in an earlier life of the page. */
    mutate(
      ops: readonly BatchOp<Value>[],
      options: MutateOptions<Value>,
      prepare?: PrepareWrite<Value, K>,
    ): Write<BatchResult<Value, K>>;
    /** It is not shown among the writes that ended badly any more. */
    forget(write: Write<unknown>): void;
  };
}

export interface WriteKeeper<Value, K extends UserKey> extends WriteOutbox {
  /** As in the status, as of now. */
  readonly waiting: number;
  /** Undefined: this one is not kept. Throws `busy` at the limit. */
  prepare(...write: Parameters<PrepareWrite<Value, K>>): ReturnType<PrepareWrite<Value, K>> | undefined;
  /** What is kept stays kept. */
  close(): Promise<void>;
}

/** Opens what is kept, shows it in the replica, and keeps what is written from now on. Never rejects: what is wrong is part of the status. */
export type KeepWrites = <Value, K extends UserKey>(host: OutboxHost<Value, K>) => Promise<WriteKeeper<Value, K>>;
