// The worker of the suites of members in workers: its network is that of the tabs of one origin.
import { openBroadcastDoor } from '@raftkv/transport/web';
import { serveTabMember } from 'raftkv/member-worker';

serveTabMember({
  openNetwork: (door, words) => openBroadcastDoor({ ...door, ...(words as { readonly room: string }) }),
});
