// What a member is: a process of Node, or a tab of a browser. Its record says so only of tabs, as records from before there were any do.
import type { Member } from '@raftkv/raft';

export type MemberKind = 'node' | 'tab';

/** What a record says beside name and address. */
export type Traits = Pick<Member, 'kind' | 'domain'>;

export function memberKind({ kind }: Traits): MemberKind {
  return kind ?? 'node';
}

/** Without what is not said. */
export function traitsOf({ kind, domain }: Traits): Traits {
  return { ...(kind === undefined ? {} : { kind }), ...(domain === undefined ? {} : { domain }) };
}

const tabPrefix = 'tab:';

/** Where a tab is found: no port, but the word under which the signalling knows it. Letters, digits, "-" and "_", 1 to 64. */
export function tabAddress(word: string): string {
  return `${tabPrefix}${word}`;
}

export function isTabAddress(address: string): boolean {
  return /^tab:[A-Za-z0-9_-]{1,64}$/.test(address);
}

/** Undefined: no tab's. */
export function tabWord(address: string): string | undefined {
  return isTabAddress(address) ? address.slice(tabPrefix.length) : undefined;
}
