// What an operator asks about the members of a cluster and its leader, and the answer; and the question for a digest, whose answer is in `digest.ts`. Client and server frames carry both as bytes, so that
// a page, which never asks this, does not load the layouts. Who may change what is for the leader to say.
import type { MemberAddress } from './client.ts';
import { digestRequest } from './digest.ts';
import type { DigestRequest } from './digest.ts';
import { bin, bool, boxed, fields, joined, list, oneOf, optional, tagged, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { hasTraits, traits } from './traits.ts';
import type { MemberTraits } from './traits.ts';
import { decodeVersioned, encodeVersioned } from './versioned.ts';

/**
 * What is to become of a learner. `promote`: a voter, once it has caught up. `stay`: nothing until somebody promotes it. Or the id of the member whose
 * place it takes, in one step, once it has caught up. An old voter has `stay`.
 */
export type MemberPlan = 'promote' | 'stay' | { readonly replaces: string };

/** Members are named by their id or, where no other member has that as its id, by their name. */
export type AdminRequest =
  | { readonly type: 'list' }
  | ({
      readonly type: 'add';
      readonly name: string;
      /** "host:port" under which the others reach it. */
      readonly address: string;
      /** Drawn by whoever joins; undefined: a place is kept for a member that joins later under this name. */
      readonly storeId: string | undefined;
      /** Undefined: that of the place that was kept for it, or else `promote`. A member to be replaced may be given by name. */
      readonly plan: MemberPlan | undefined;
    } & MemberTraits)
  | { readonly type: 'remove'; readonly member: string }
  | { readonly type: 'promote'; readonly member: string }
  | { readonly type: 'replace'; readonly member: string; readonly by: string }
  | {
      readonly type: 'update';
      readonly member: string;
      readonly name: string | undefined;
      readonly address: string | undefined;
    }
  /** Undefined: the best voter. */
  | { readonly type: 'transfer'; readonly to: string | undefined };

export interface ClusterMember extends MemberAddress, MemberTraits {
  /** `leaving`: it votes still, and does no more once the change that is under way is done. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly plan: MemberPlan;
  /** From the node that answers; itself is always. */
  readonly isReachable: boolean;
  /** Up to where its log agrees with the leader's; known to the leader alone. */
  readonly matchIndex: number | undefined;
}

export interface ClusterMembers {
  readonly clusterId: string;
  /** The entry of the log that says so; 0 = as founded. */
  readonly index: number;
  /** A change is under way. */
  readonly isChanging: boolean;
  readonly leaderId: string | undefined;
  readonly members: readonly ClusterMember[];
}

export interface AdminResult {
  /** As it stands after the change. */
  readonly members: ClusterMembers;
  /** The member that was added, removed, promoted, changed, or leads now. */
  readonly memberId: string | undefined;
  /** To who joins: what `encodeConfiguration` made. */
  readonly configuration: Uint8Array | undefined;
}

const optionalText = optional(text);
const plan: Layout<MemberPlan> = boxed({
  size: 2,
  write(writer, value) {
    writer.uint(value === 'promote' ? 0 : value === 'stay' ? 1 : 2);
    if (typeof value === 'string') writer.nil();
    else writer.text(value.replaces);
  },
  read(reader) {
    const kind = reader.small(2);
    if (kind === 2) return { replaces: reader.text() };
    if (!reader.nil()) reader.fail('only a member that takes the place of another has a second word');
    return kind === 0 ? 'promote' : 'stay';
  },
});
const none: Layout<object> = { size: 0, write: () => undefined, read: (_reader, _walk, into = {}) => into };

type Addition = Extract<AdminRequest, { readonly type: 'add' }>;
const plainAddition = fields<Omit<Addition, 'type' | 'kind' | 'domain'>>({
  name: text,
  address: text,
  storeId: optionalText,
  plan: optional(plan),
});

const requestWith = (addition: Layout<Omit<Addition, 'type'>>): Layout<AdminRequest | DigestRequest> =>
  tagged<AdminRequest | DigestRequest>('request', {
    list: [1, none],
    add: [2, addition],
    remove: [3, fields({ member: text })],
    promote: [4, fields({ member: text })],
    replace: [5, fields({ member: text, by: text })],
    update: [6, fields({ member: text, name: optionalText, address: optionalText })],
    transfer: [7, fields({ to: optionalText })],
    digest: [8, digestRequest],
  });
/** Version 2 came with members that are not of Node. */
const request = [requestWith(plainAddition), requestWith(joined(plainAddition, traits))] as const;

const plainMember = fields<Omit<ClusterMember, 'kind' | 'domain'>>({
  id: text,
  name: text,
  address: text,
  role: oneOf(['voter', 'learner', 'leaving']),
  plan,
  isReachable: bool,
  matchIndex: optional(uint),
});

const resultWith = (member: Layout<ClusterMember>): Layout<AdminResult> =>
  boxed(
    fields<AdminResult>({
      members: boxed(
        fields<ClusterMembers>({
          clusterId: text,
          index: uint,
          isChanging: bool,
          leaderId: optionalText,
          members: list(member),
        }),
      ),
      memberId: optionalText,
      configuration: optional(bin),
    }),
  );
const result = [resultWith(plainMember), resultWith(joined(plainMember, traits))] as const;

/** In the oldest version that says it: without tabs, older ones understand each other. */
export function encodeAdminRequest(made: AdminRequest | DigestRequest): Uint8Array {
  return encodeVersioned(request, made, 128, made.type === 'add' && hasTraits(made) ? 2 : 1);
}

/** Throws `bad_frame` or `unsupported_version`. */
export function decodeAdminRequest(bytes: Uint8Array): AdminRequest | DigestRequest {
  return decodeVersioned(request, bytes, 'a request about members');
}

export function encodeAdminResult(made: AdminResult): Uint8Array {
  return encodeVersioned(result, made, 1024, made.members.members.some(hasTraits) ? 2 : 1);
}

/** The configuration is a view over `bytes`. Throws `bad_frame` or `unsupported_version`. */
export function decodeAdminResult(bytes: Uint8Array): AdminResult {
  return decodeVersioned(result, bytes, 'an answer about members');
}
