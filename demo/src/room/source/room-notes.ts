// What happened to a room between two looks at it, in words. Pure.
import { capital } from '../view/words.ts';
import type { RoomNote } from './room-source.ts';
import type { RoomView } from './room-view.ts';

export function notesBetween(before: RoomView, after: RoomView): RoomNote[] {
  if (before.members.length === 0 || after.self === undefined) return [];
  const notes: RoomNote[] = [];
  for (const { name, isThere, isVoter, isSelf } of after.members) {
    const known = before.members.find((member) => member.name === name);
    if (known === undefined) {
      notes.push({ tone: 'plain', text: isSelf ? 'This tab is let in' : `${capital(name)} is let in` });
    } else if (!isSelf && known.isThere !== isThere && known.tell !== undefined) {
      notes.push({ tone: isThere ? 'good' : 'bad', text: `${capital(name)} ${isThere ? 'is back' : 'is not heard'}` });
    }
    if (known?.isVoter === false && isVoter) notes.push({ tone: 'good', text: `${capital(name)} votes` });
  }
  for (const { name } of before.members) {
    if (after.members.some((member) => member.name === name)) continue;
    notes.push({ tone: 'plain', text: `${capital(name)} is no member any more` });
  }
  if (after.leader !== undefined && (after.leader !== before.leader || after.term !== before.term)) {
    notes.push({ tone: 'good', text: `${capital(after.leader)} leads in term ${after.term}` });
  }
  if (before.hasQuorum && !after.hasQuorum) {
    notes.push({ tone: 'bad', text: `No majority: ${after.votersThere} of ${after.voters} voters are here` });
  }
  return notes;
}
