// The members of the cluster and its leader, for operators: what a connected client has beyond the store. In a module of its own, which a page
// with a replica does not load; the requests travel like reads and writes do, to the leader and without a session.
import { RaftkvError, decodeAdminResult, encodeAdminRequest } from '@raftkv/wire';
import type { AdminRequest, AdminResult, ClusterMember, ClusterMembers, MemberPlan } from '@raftkv/wire';
import type { Answer, CallKind } from './call.ts';
import { Client } from './client.ts';
import type { UserKey } from './entry.ts';
import type { Kv } from './kv.ts';
import type { RequestOptions } from './requests.ts';

export interface NewMember {
  /** Letters, digits, ".", "_" and "-"; no other member has it. */
  readonly name: string;
  /** "host:port" under which the others reach it. */
  readonly address: string;
  /** What becomes of it when it has caught up: `promote` (default), `stay`, or it takes the place of another, given by id or name. */
  readonly plan?: MemberPlan;
  /** A tab, whose address is `tab:WORD`. Default: a process of Node. */
  readonly kind?: 'tab';
  /** Which members fail together with it, such as those of one browser profile. Default: none. */
  readonly domain?: string;
}

/**
 * Every call rejects with a RaftkvError: `not_found` (no such member), `invalid_argument` (the name or address is taken, it is so already),
 * `unsafe_change` (the voters that answer would be no quorum), `not_caught_up`, `busy` (another change did not end in time), `no_leader`, `timeout`. Its
 * `definite` says whether the change certainly did not happen; unlike a write, a change that may have happened is not tried again: list, and decide.
 * Members are named by id or name.
 */
export interface Members {
  /** As the node that is asked sees it. */
  list(options?: RequestOptions): Promise<ClusterMembers>;
  /**
   * Keeps a place for a member that joins later under this name (`raftkv join`, which needs no place kept). Answers its id, which is another one once it
   * has joined.
   */
  add(member: NewMember, options?: RequestOptions): Promise<ClusterMember>;
  /**
   * Done when the change is committed. A leader that removes itself leads until then.
   *
   * @example
   * ```ts
   * await kv.members.remove('node2');
   * ```
   */
  remove(member: string, options?: RequestOptions): Promise<ClusterMembers>;
  /** A learner votes from now on; `not_caught_up` if it lags. */
  promote(member: string, options?: RequestOptions): Promise<ClusterMembers>;
  /**
   * `by`, a learner, takes the place of `member` in one step as soon as it has caught up: the leader sees to it. Answers when that is arranged; `list` tells
   * when it is done.
   */
  replace(member: string, by: string, options?: RequestOptions): Promise<ClusterMembers>;
  /** Another name or address, for a member that moved. */
  update(
    member: string,
    change: { readonly name?: string; readonly address?: string },
    options?: RequestOptions,
  ): Promise<ClusterMembers>;
}

/** A store and its cluster: what `connect` gives. */
export interface ClusterKv<Value = unknown, K extends UserKey = string> extends Kv<Value, K> {
  readonly members: Members;
  /** Hands leadership to this voter, by id or name, or to the best one; answers who leads then. */
  transferLeader(to?: string, options?: RequestOptions): Promise<ClusterMember>;
  /** For whoever joins; not for users. */
  askMembers(request: AdminRequest, options?: RequestOptions): Promise<AdminResult>;
}

export class ClusterClient<Value, K extends UserKey> extends Client<Value, K> implements ClusterKv<Value, K> {
  readonly members: Members = {
    list: async (options) => (await this.askMembers({ type: 'list' }, options)).members,
    add: async ({ name, address, plan, kind, domain }, options) =>
      named(await this.askMembers({ type: 'add', name, address, storeId: undefined, plan, kind, domain }, options)),
    remove: async (member, options) => (await this.askMembers({ type: 'remove', member }, options)).members,
    promote: async (member, options) => (await this.askMembers({ type: 'promote', member }, options)).members,
    replace: async (member, by, options) => (await this.askMembers({ type: 'replace', member, by }, options)).members,
    update: async (member, { name, address }, options) =>
      (await this.askMembers({ type: 'update', member, name, address }, options)).members,
  };

  async transferLeader(to?: string, options?: RequestOptions): Promise<ClusterMember> {
    return named(await this.askMembers({ type: 'transfer', to }, options));
  }

  askMembers(request: AdminRequest, options: RequestOptions = {}): Promise<AdminResult> {
    const kind: CallKind = request.type === 'list' ? 'read' : 'admin';
    return this.ask(kind, () => ({ type: 'admin', id: 0, request: encodeAdminRequest(request) }), options, toResult);
  }
}

function toResult(answer: Answer): AdminResult {
  if (answer instanceof Uint8Array) return decodeAdminResult(answer);
  throw new RaftkvError('bad_frame', 'the answer about members is something else', { definite: false });
}

function named({ memberId, members }: AdminResult): ClusterMember {
  const member = members.members.find(({ id }) => id === memberId);
  if (member !== undefined) return member;
  throw new RaftkvError('bad_frame', 'the answer names no member', { definite: false });
}
