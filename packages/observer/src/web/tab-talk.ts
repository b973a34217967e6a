// What tabs of one replica say to all others: who holds it, and that one wants to be fed by whoever does. Everything else goes over pipes between two
// of them. Another build of the app may be on the other side, so what is not understood is passed over; builds that speak otherwise do not even meet.
import type { ReplicaStatus } from '@raftkv/client';
import type { TabWish } from '../tab-feeder.ts';

/** What the holder tells of the replica. */
export interface HolderNews {
  /** Of this holding: whoever holds it again has another one. */
  readonly holder: string;
  readonly replicaId: string;
  readonly storage: ReplicaStatus['storage'];
}

export type TabMessage =
  | { readonly type: 'ask' }
  | ({ readonly type: 'here' } & HolderNews)
  /** `pipe`: a name that nobody else uses; who asks listens there already. */
  | ({ readonly type: 'attach'; readonly pipe: string } & TabWish);

export function isTabMessage(data: unknown): data is TabMessage {
  if (typeof data !== 'object' || data === null || !('type' in data)) return false;
  switch (data.type) {
    case 'ask':
      return true;
    case 'here':
      return 'holder' in data && 'replicaId' in data && 'storage' in data;
    case 'attach':
      return 'pipe' in data && 'from' in data && 'scope' in data;
    default:
      return false;
  }
}
