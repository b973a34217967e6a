// Where store ids and the salts of segments come from: the platform's randomness, or what the caller injects, so that a simulated run can be repeated.

/** So many random bytes. */
export type DrawBytes = (count: number) => Uint8Array;

export const drawBytes: DrawBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
