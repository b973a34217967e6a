// Arbitrary questions about members and answers to them; see `arbitraries.ts`.
import fc from 'fast-check';
import type { AdminRequest, AdminResult, DigestAnswer, DigestRequest, MemberPlan } from '../src/index.ts';
import { address, bytes, range, text } from './arbitraries.ts';
import { id, maybe, traits, uint } from './arbitrary-members.ts';

const plan = fc.oneof(fc.constantFrom<MemberPlan[]>('promote', 'stay'), fc.record({ replaces: id }));
export const adminRequest: fc.Arbitrary<AdminRequest | DigestRequest> = fc.oneof(
  fc.constant({ type: 'list' as const }),
  fc
    .tuple(
      fc.record({
        type: fc.constant('add' as const),
        name: text,
        address: text,
        storeId: maybe(id),
        plan: maybe(plan),
      }),
      traits,
    )
    .map(([request, told]) => ({ ...request, ...told })),
  fc.record({ type: fc.constantFrom('remove' as const, 'promote' as const), member: text }),
  fc.record({ type: fc.constant('replace' as const), member: text, by: text }),
  fc.record({ type: fc.constant('update' as const), member: text, name: maybe(text), address: maybe(text) }),
  fc.record({ type: fc.constant('transfer' as const), to: maybe(text) }),
  fc.record({
    type: fc.constant('digest' as const),
    about: fc.constantFrom('place' as const, 'changes' as const, 'state' as const),
    from: uint,
    ranges: fc.array(range, { maxLength: 3 }),
  }),
);
export const digestAnswer: fc.Arbitrary<DigestAnswer> = fc.record({
  about: fc.constantFrom<DigestAnswer['about'][]>('place', 'changes', 'state', 'nothing', 'compacted'),
  revision: uint,
  index: uint,
  bytes: uint,
  leader: maybe(text),
  digest: bytes,
});
export const adminResult: fc.Arbitrary<AdminResult> = fc.record({
  members: fc.record({
    clusterId: id,
    index: uint,
    isChanging: fc.boolean(),
    leaderId: maybe(id),
    members: fc.array(
      fc
        .tuple(
          fc.record({
            ...address,
            role: fc.constantFrom('voter' as const, 'learner' as const, 'leaving' as const),
            plan,
            isReachable: fc.boolean(),
            matchIndex: maybe(uint),
          }),
          traits,
        )
        .map(([member, told]) => ({ ...member, ...told })),
      { maxLength: 6 },
    ),
  }),
  memberId: maybe(id),
  configuration: maybe(bytes),
});
