// The composition root of a member in a tab: options checked, name, home and version given, and its first life begun. The rules of its lives are in
// `tab-member.ts`.
import { bytes, connect } from '@raftkv/client';
import { askAdmission, tabAddress } from '@raftkv/server';
import type { FoundingMember, HomeOptions } from '@raftkv/server';
import { profileDomain } from '../room-domain.ts';
import { presentTabPage } from './page-life.ts';
import { OpenTabMember } from './tab-member.ts';
import type { TabMember, TabMemberParts } from './tab-member.ts';
import { checkTabOptions } from './tab-options.ts';
import type { TabMemberOptions } from './tab-options.ts';
import { lastingPlace, passingPlace } from './tab-place.ts';

/** Of this package. */
const version = '0.1.0';
const answerMilliseconds = 10_000;

/**
 * Opens a member that votes, or is to vote, in this tab: only in a closed cluster, all of whose members trust each other. Resolves once its storage is open and it
 * can be talked to, which is before a cluster that it founds is founded.
 *
 * @throws RaftkvError `invalid_argument`, `unsupported` (a storage that forgets, a private window, an insecure context), `storage_*` (`storage_locked`: another
 * tab is this member), `member_removed`, and what a cluster says that is to be joined
 * @example
 * ```ts
 * const member = await openTabMember({
 *   name: 'ada', storage: 'strict', cluster: { founders: [{ name: 'ada' }, { name: 'bob' }, { name: 'eve' }] },
 *   openNetwork: (door) => openBroadcastDoor({ ...door, room: 'todo' }),
 * });
 * const kv = connect({ endpoints: [member.address], dial: member.dial });
 * ```
 */
export async function openTabMember(options: TabMemberOptions): Promise<TabMember> {
  checkTabOptions(options);
  const { storage, steal = false } = options;
  const page = options.page ?? presentTabPage();
  const name = storage === 'memory' ? `${options.name}-${drawWord()}` : options.name;
  const parts: TabMemberParts = {
    options,
    name,
    page,
    version,
    home: async (onFailure) => ({
      ...foundingOf(options, name),
      name,
      place: storage === 'memory' ? passingPlace(name) : await lastingPlace({ name, page, onFailure, steal }),
    }),
    joinOver: (dial) => joinOver(options, name, dial),
  };
  const member = new OpenTabMember(parts);
  await member.open();
  return member;
}

function foundingOf({ cluster, domain: own }: TabMemberOptions, self: string): Pick<HomeOptions, 'token' | 'founders'> {
  if (!('founders' in cluster)) return { token: 'raftkv', founders: [] };
  const { token = 'raftkv', founders } = cluster;
  // One that ends with the page founds alone, under the name of this boot.
  const asFounder = ({ name, domain }: (typeof founders)[number]): FoundingMember => {
    // What several say of each other they must say alike.
    if (founders.length > 1) {
      return { name, address: tabAddress(name), kind: 'tab', ...(domain === undefined ? {} : { domain }) };
    }
    return { name: self, address: tabAddress(self), kind: 'tab', domain: domain ?? own ?? profileDomain() };
  };
  return { token, founders: founders.map(asFounder) };
}

function joinOver(
  { cluster, domain = profileDomain() }: TabMemberOptions,
  name: string,
  dial: TabMember['dial'],
): HomeOptions['join'] {
  if ('founders' in cluster) return undefined;
  const { endpoints, plan } = cluster;
  return async (again) => {
    const known = again === undefined ? {} : { clusterId: again.clusterId };
    const kv = connect<Uint8Array>({ ...known, endpoints, dial, codec: bytes });
    try {
      return await askAdmission((request) => kv.askMembers(request, { timeoutMilliseconds: answerMilliseconds }), {
        name,
        address: tabAddress(name),
        kind: 'tab',
        domain,
        plan,
        again,
      });
    } finally {
      await kv.close();
    }
  };
}

/** Ten letters and digits. */
function drawWord(): string {
  const drawn = crypto.getRandomValues(new Uint32Array(2));
  return Array.from(drawn, (number) => number.toString(36).padStart(7, '0').slice(-5)).join('');
}
