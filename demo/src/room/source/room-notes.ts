// What happened to a room between two looks at it, in words. Pure.
import { capital } from '../view/words.ts';
import type { RoomNote } from './room-source.ts';
import type { RoomView } from './room-view.ts';

export function notesBetween(before: RoomView, after: RoomView): RoomNote[] {
  // Who is in no room sees nothing of one.
  if (before.members.length === 0 || after.self === undefined || after.phase === 'left') return [];
  const notes: RoomNote[] = [];
  for (const { name, isThere, isVoter, isMember, isSelf } of after.members) {
    const known = before.members.find((member) => member.name === name);
    if (isMember && known?.isMember !== true) {
      notes.push({ tone: 'plain', text: isSelf ? 'This tab is let in' : `${capital(name)} is let in` });
    } else if (known !== undefined && !isSelf && known.isThere !== isThere) {
      notes.push({ tone: isThere ? 'good' : 'bad', text: `${capital(name)} ${isThere ? 'is back' : 'is not here'}` });
    }
    if (known?.isVoter === false && isVoter) notes.push({ tone: 'good', text: `${capital(name)} votes` });
  }
  for (const { name, isMember } of before.members) {
    if (!isMember || after.members.some((member) => member.name === name && member.isMember)) continue;
    notes.push({ tone: 'plain', text: `${capital(name)} is no member any more` });
  }
  // Nobody leads in term 0: the leader has not told its own yet.
  if (after.leader !== undefined && after.term > 0 && (after.leader !== before.leader || after.term !== before.term)) {
    notes.push({ tone: 'good', text: `${capital(after.leader)} leads in term ${after.term}` });
  }
  if (before.quorum !== 'lost' && after.quorum === 'lost') {
    notes.push({ tone: 'bad', text: `No majority: ${after.votersThere} of ${after.voters} voters are here` });
  }
  if (!before.isSuperseded && after.isSuperseded) {
    notes.push({ tone: 'bad', text: 'The room went on without this tab' });
  }
  return notes;
}
