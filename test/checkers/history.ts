// What a run records about its clients, its watches and its applied log, in the store's own words (`kv`'s commands and answers).
// recorder.ts writes operations down, the checkers of this folder judge them, the simulator feeds both.
import type {
  Change,
  Command,
  CommandEnvelope,
  CommandResult,
  GetOp,
  GetResult,
  KeyRange,
  ScanOp,
  ScanResult,
  SessionStamp,
} from '@raftkv/kv';
import { describe } from './agree.ts';

/** The writes that the checkers know; what opens and closes sessions is not asked for by a client's user. */
export type Write = Extract<Command, { type: 'put' | 'delete' | 'deleteRange' | 'batch' | 'txn' | 'compact' }>;
export type Read = GetOp | ScanOp;

export function isRead(request: Read | Write): request is Read {
  return request.type === 'get' || request.type === 'scan';
}

/** All that is said must be so; what is left out was not told (a client library tells less than the wire does). */
export type Told<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Told<Item>[]
    : T extends { readonly type: infer Type }
      ? { readonly type: Type } & { readonly [K in keyof T]?: Told<T[K]> }
      : T extends object
        ? { readonly [K in keyof T]?: Told<T[K]> }
        : T;

/**
 * An answer, or as much of it as the client was told. A get that found nothing says `entry: undefined`, and says it: the
 * property is there. Errors are no answers: see `outcome`.
 */
export type Answer = Told<Exclude<CommandResult, { type: 'session' | 'error' }> | GetResult | ScanResult>;

/**
 * One operation of one caller. `call` and `ret` are numbers of one order in which everything observable happened: two events
 * never share one, so that "before" is never in doubt (a virtual clock alone would not do; recorder.ts counts).
 */
export interface ClientOperation {
  /** A caller with one view of the world: what it has written and seen binds its reads at level `session`. */
  readonly client: string;
  readonly request: Write | Read;
  /** Of a read. Default `linearizable`. */
  readonly level?: 'linearizable' | 'session' | 'local';
  /**
   * Of a read that one copy answered: the life of one observer, or of one start of a member. Within it content never goes
   * back. Left out where it is not known who answered.
   */
  readonly copy?: string;
  /** Of a write that was stamped, if the run knows: ties it to the log. */
  readonly stamp?: SessionStamp;
  readonly call: number;
  /** null: no answer came. */
  readonly ret: number | null;
  /**
   * `unknown`: it may have happened at any time after its call, or never (also a failure that is not `definite`, and what was
   * open when the run ended). `refused`: it failed and was said to be definite: it certainly never happens.
   */
  readonly outcome: 'answered' | 'unknown' | 'refused';
  readonly answer?: Answer;
}

/** For people. */
export function name({ client, call, ret, request }: ClientOperation): string {
  return `${client} [${call}..${ret ?? '?'}] ${describe(request)}`;
}

/** One command of the applied log, as the first member that applied it answered. In order of index; entries that are no commands are left out. */
export interface AppliedEntry {
  readonly index: number;
  readonly envelope: CommandEnvelope;
  readonly result: CommandResult;
  /** The store's revision once it was applied. */
  readonly revision: number;
}

/**
 * What one watch was told, in order, over all its reconnects. `created` begins each leg, with the first revision that it will
 * tell, as the server said it.
 */
export type WatchMessage =
  /** `newest`: the revision to which the store had come at most, where the run knows. */
  | { readonly type: 'created'; readonly revision: number; readonly newest?: number }
  /** `compactedRevision`: what was before an event of this revision or an older one may have been forgotten by then. Default 0. */
  | { readonly type: 'changes'; readonly changes: readonly Change[]; readonly compactedRevision?: number }
  /** All up to and including `revision` was delivered. */
  | { readonly type: 'progress'; readonly revision: number }
  /** What was wanted is forgotten: the watcher has to begin anew, so nothing may follow. */
  | { readonly type: 'compacted'; readonly compactedRevision: number };

export interface WatchRecord {
  readonly name: string;
  readonly range: KeyRange;
  /** First revision asked for; 0 = what comes after now. */
  readonly from: number;
  /** Events were asked to tell what was there before. */
  readonly previous: boolean;
  readonly messages: readonly WatchMessage[];
  /** Some revision that the store had reached, and this watch had time to tell: it must have come that far. Default: none is owed. */
  readonly owed?: number;
}
