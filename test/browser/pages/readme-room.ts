// The README's example of a room, as it stands there: `readme-room.test.ts` compares the two and runs this one.
import { createRoom, joinRoom } from 'raftkv/room';

const options = { signalling: 'ws://127.0.0.1:8080/signals' };
const isNew = location.hash === '';
const room = await (isNew ? createRoom({ name: 'Tea', ...options }) : joinRoom(location.href, options));
history.replaceState(null, '', room.link);

const cups = room.kv.live.scan<string>({ prefix: 'cup/' });
const show = () => {
  const { quorum, tabs } = room.status.getSnapshot();
  const rows = (cups.getSnapshot().data ?? []).map(({ value, isPending }) => `${value}${isPending ? ' …' : ''}`);
  document.body.innerText = [quorum.words, `${tabs.length} tabs, ${quorum.voters} vote`, ...rows].join('\n');
};
room.status.subscribe(show);
cups.subscribe(show);
room.kv.mutate([{ type: 'put', key: `cup/${Date.now()}`, value: isNew ? 'the first' : 'one more' }]);
