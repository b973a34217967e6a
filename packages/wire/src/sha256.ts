// SHA-256 (FIPS 180-4) in plain JavaScript: the same on every runtime, at once and piece by piece, also where a page has no `crypto.subtle` (an
// insecure context). Who has a faster one, as Node has, uses that; they agree byte for byte.

/** A hash that takes its input piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Of all that came; nothing may come after. */
  digest(): Uint8Array;
}

/** The fractional parts of the cube roots of the first 64 primes. */
const constants = fractions(64, Math.cbrt);
/** … and of the square roots of the first 8. */
const initial = fractions(8, Math.sqrt);
const blockBytes = 64;

/**
 * @example
 * const hash = new Sha256();
 * hash.update(bytes);
 * hash.digest(); // 32 bytes
 */
export class Sha256 implements Hasher {
  readonly #state = Uint32Array.from(initial);
  readonly #schedule = new Uint32Array(64);
  readonly #rest = new Uint8Array(blockBytes);
  #restBytes = 0;
  #bytes = 0;

  update(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(bytes.length, blockBytes - this.#restBytes);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < blockBytes) return;
      this.#mix(this.#rest, 0);
      this.#restBytes = 0;
    }
    for (; at + blockBytes <= bytes.length; at += blockBytes) this.#mix(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#restBytes = bytes.length - at;
  }

  digest(): Uint8Array {
    const bytes = this.#bytes;
    const padded = this.#restBytes < 56 ? 56 : 120;
    const end = new Uint8Array(padded - this.#restBytes + 8);
    end[0] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bytes / 0x2000_0000));
    view.setUint32(end.length - 4, (bytes << 3) >>> 0);
    this.update(end);
    const digest = new Uint8Array(32);
    const words = new DataView(digest.buffer);
    for (const [i, word] of this.#state.entries()) words.setUint32(i * 4, word);
    return digest;
  }

  #mix(bytes: Uint8Array, at: number): void {
    const schedule = this.#schedule;
    const state = this.#state;
    for (let i = 0; i < 16; i += 1) {
      const from = at + i * 4;
      schedule[i] = (bytes[from]! << 24) | (bytes[from + 1]! << 16) | (bytes[from + 2]! << 8) | bytes[from + 3]!;
    }
    for (let i = 16; i < 64; i += 1) {
      const early = schedule[i - 15]!;
      const late = schedule[i - 2]!;
      const first = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const second = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      schedule[i] = (schedule[i - 16]! + first + schedule[i - 7]! + second) | 0;
    }
    let a = state[0]! | 0;
    let b = state[1]! | 0;
    let c = state[2]! | 0;
    let d = state[3]! | 0;
    let e = state[4]! | 0;
    let f = state[5]! | 0;
    let g = state[6]! | 0;
    let h = state[7]! | 0;
    for (let i = 0; i < 64; i += 1) {
      const large = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + large + ((e & f) ^ (~e & g)) + constants[i]! + schedule[i]!) | 0;
      const small = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (small + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  }
}

/** HMAC (RFC 2104) over SHA-256, for whoever has to show that it knows a secret. */
export function hmacSha256(secret: Uint8Array, message: Uint8Array): Uint8Array {
  const key = new Uint8Array(blockBytes);
  key.set(secret.length > blockBytes ? sha256(secret) : secret);
  const inner = sha256(
    key.map((byte) => byte ^ 0x36),
    message,
  );
  return sha256(
    key.map((byte) => byte ^ 0x5c),
    inner,
  );
}

/** Of all parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The first 32 bits behind the point of the roots of the first primes: a double holds them exactly enough for so small ones, as the tests show. */
function fractions(count: number, root: (prime: number) => number): Uint32Array {
  const found = new Uint32Array(count);
  for (let number = 2, at = 0; at < count; number += 1) {
    if (!isPrime(number)) continue;
    const value = root(number);
    found[at] = Math.floor((value - Math.floor(value)) * 0x1_0000_0000);
    at += 1;
  }
  return found;
}

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor += 1) if (number % factor === 0) return false;
  return true;
}
