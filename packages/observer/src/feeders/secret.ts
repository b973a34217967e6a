// How two tabs show each other that they know the same secret, without saying it: each answers the other's random bytes.
import { hmacSha256 } from '@raftkv/wire';

export interface Meeting {
  readonly clusterId: string;
  readonly feederId: string;
  readonly fedId: string;
  readonly feederNonce: Uint8Array;
  readonly fedNonce: Uint8Array;
}

export function drawNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

/** What only who knows the secret can say of this meeting; another one of each side. */
export function proofOf(secret: string, side: 'feeder' | 'fed', meeting: Meeting): Uint8Array {
  const { clusterId, feederId, fedId, feederNonce, fedNonce } = meeting;
  const said = JSON.stringify([side, clusterId, feederId, fedId, [...feederNonce], [...fedNonce]]);
  return hmacSha256(bytesOf(secret), bytesOf(said));
}

/** Takes as long whatever differs. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const [at, byte] of one.entries()) difference |= byte ^ (other[at] ?? 0);
  return difference === 0;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
