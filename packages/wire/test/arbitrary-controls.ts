// Arbitrary words of the handshake between members, beside their messages.
import fc from 'fast-check';
import type { PeerControl } from '../src/index.ts';
import { errorCode, text } from './arbitraries.ts';
import { id, maybe, uint } from './arbitrary-members.ts';

const storeIds = fc
  .uniqueArray(fc.tuple(id, text), { maxLength: 64, selector: ([one]) => one })
  .map((all) => new Map(all));
const draw = fc.stringMatching(/^[0-9a-f]{16}$/);
const peerFacts = fc.record({
  incarnation: fc.record({ bootCount: fc.integer({ min: 1 }), draws: fc.array(draw, { minLength: 1, maxLength: 16 }) }),
  founding: maybe(storeIds),
});

export const peerControl: fc.Arbitrary<PeerControl> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    versions: fc.array(uint, { maxLength: 4 }),
    clusterId: id,
    from: id,
    to: id,
    fromName: text,
    storeId: text,
  }),
  fc.record(
    { type: fc.constant('welcome' as const), version: uint, clusterId: id, from: id, storeId: text, facts: peerFacts },
    { requiredKeys: ['type', 'version', 'clusterId', 'from', 'storeId'] },
  ),
  fc.record({ type: fc.constant('confirm' as const), facts: peerFacts }),
  fc.record({ type: fc.constant('founding' as const), storeIds }),
  fc.constant({ type: 'confirm' as const }),
  fc.record({ type: fc.constant('refusal' as const), code: errorCode, message: text }),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), nonce: uint }),
);
