// How an app tells the hooks, once, which kv it has, so that values and keys are typed everywhere. Types alone.
import type { LiveKv, UserKey } from '@raftkv/client';

/**
 * Declare what your kv is, and the hooks type values by it.
 *
 * @example
 * ```ts
 * declare module '@raftkv/react' {
 *   interface Register {
 *     kv: LiveKv<Todo>;
 *   }
 * }
 * ```
 */
export interface Register {}

export type RegisteredKv = Register extends { kv: infer Registered } ? Registered : LiveKv;
/** What the provider takes: the registered kind, or else any. */
export type ProvidedKv = Register extends { kv: infer Registered }
  ? Registered
  : Pick<LiveKv, 'replica' | 'writes' | 'setOnline'>;
export type RegisteredValue = RegisteredKv extends LiveKv<infer Value, infer _Key> ? Value : unknown;
export type RegisteredKey = RegisteredKv extends LiveKv<infer _Value, infer Key extends UserKey> ? Key : string;
