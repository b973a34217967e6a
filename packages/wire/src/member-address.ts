// The layout of members' addresses, as a welcome and a notice tell them; `status.ts` tells more of each.
import type { MemberAddress } from './client.ts';
import { fields, list, text } from './layout.ts';
import type { Layout } from './layout.ts';

export const address = { id: text, name: text, address: text };

/** One array of three elements a member. */
export const members: Layout<readonly MemberAddress[]> = list(fields(address));
