// The example of a room by codes in the README of `raftkv`, as it stands there: `room-codes.test.ts` compares the two and runs this one.
import { createRoom, joinRoom, meetByCodes } from 'raftkv/room';

const codes = meetByCodes();
const [address, invitation] = location.href.split('&invitation=');
if (invitation === undefined) {
  const room = await createRoom({ name: 'Tea', signalling: codes });
  await room.kv.put('kettle', 'on');
  const { code, accept } = await codes.invite();
  document.body.innerText = `${room.link}&invitation=${code}`; // to somebody else, in a chat or on paper
  document.addEventListener('paste', ({ clipboardData }) => accept(clipboardData!.getData('text'))); // what came back
} else {
  const { code } = await codes.answer(invitation);
  document.body.innerText = code; // to be carried back
  const room = await joinRoom(address!, { signalling: codes });
  const kettle = room.kv.live.get('kettle');
  kettle.subscribe(() => (document.body.innerText = `The kettle is ${kettle.getSnapshot().data?.value}.`));
}
