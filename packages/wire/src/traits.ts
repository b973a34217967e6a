// What a member is, as configurations, statuses and answers about members tell it beside what they told before there were tabs. In a file of its own, because
// a page loads it with statuses and not with configurations.
import { fields, oneOf, optional, text } from './layout.ts';

export interface MemberTraits {
  /** Undefined: a process of Node. */
  readonly kind?: 'tab' | undefined;
  /** Members of one failure domain fail together; tabs of one browser profile are one. Undefined: one of its own. */
  readonly domain?: string | undefined;
}

/** Two elements. */
export const traits = fields<MemberTraits>({ kind: oneOf([undefined, 'tab']), domain: optional(text) });

/** Without traits, older versions say all that there is to say. */
export function hasTraits({ kind, domain }: MemberTraits): boolean {
  return kind !== undefined || domain !== undefined;
}

/** Without what is not said. */
export function onlyTraits({ kind, domain }: MemberTraits): MemberTraits {
  return { ...(kind === undefined ? {} : { kind }), ...(domain === undefined ? {} : { domain }) };
}
