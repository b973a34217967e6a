// What a room is like, in plain words: the one thing that whoever looks at this tab should know now, and what each member is. Pure.
import type { Advice } from '../../model/words.ts';
import type { FaultSettings } from '../faults/faults.ts';
import type { MemberSight, RoomView } from '../source/room-view.ts';

export function adviseOnRoom(view: RoomView, faults: FaultSettings): Advice {
  const { phase, problem, self, role, leader, voters, votersThere } = view;
  if (phase === 'failed') {
    return { tone: 'bad', title: 'This tab is not in the room', text: sentence(problem ?? 'its member stopped') };
  }
  if (phase === 'opening')
    return { tone: 'plain', title: 'Opening', text: 'This tab makes itself a place to keep the log.' };
  if (phase === 'alone') {
    return {
      tone: 'warn',
      title: 'Nobody is here',
      text: 'No other tab of this room answers, and this browser keeps nothing of it. Open a tab that is in it, or make a new room.',
    };
  }
  if (phase === 'joining' || self === undefined) {
    return {
      tone: 'plain',
      title: 'Joining',
      text:
        problem === undefined
          ? 'The room is asked to let this tab in.'
          : `Not yet: ${sentence(problem)} It tries again.`,
    };
  }
  if (view.term === 0) return { tone: 'plain', title: 'Joining', text: 'This tab is let in, and fetches the log.' };
  if (faults.frozenUntil !== undefined) {
    return {
      tone: 'warn',
      title: 'This tab is frozen',
      text: 'Its member hears and says nothing. The others go on if they are a majority.',
    };
  }
  if (voters > 0 && !view.hasQuorum) {
    const needed = Math.floor(voters / 2) + 1;
    return {
      tone: 'bad',
      title: 'No majority: reading only',
      text: `${votersThere} of ${voters} voters are here, and ${needed} must agree. Nothing that was acknowledged is lost. ${wayOn(view)}`,
    };
  }
  if (leader === undefined) {
    return {
      tone: 'warn',
      title: 'An election is under way',
      text: 'Writes wait for the new leader, a moment as a rule.',
    };
  }
  if (faults.cut.size > 0 || faults.lossPercent > 0 || faults.delayMilliseconds > 0) {
    return {
      tone: 'warn',
      title: 'Broken on purpose',
      text: `${describeFaults(faults)} in this tab. ${roleText(view)}`,
    };
  }
  const together = view.isOneBrowser ? ' All voters are tabs of one browser: they fail together.' : '';
  if (!view.isVoter) {
    return {
      tone: 'good',
      title: 'You stand by',
      text: `This tab has the whole log and is not counted; it will be asked to vote if it is needed.${together}`,
    };
  }
  if (role === 'leader' && voters === 1) {
    return {
      tone: 'good',
      title: 'You lead, alone so far',
      text: 'Open the link in two more tabs: three voters go on when any one of them is closed.',
    };
  }
  if (role === 'leader')
    return { tone: 'good', title: 'You lead', text: `Every write goes through this tab. Keep it visible.${together}` };
  return { tone: 'good', title: 'You vote here', text: `${capital(leader)} leads. Keep this tab visible.${together}` };
}

function roleText({ role, leader }: RoomView): string {
  return role === 'leader' ? 'You lead.' : `${capital(leader ?? 'nobody')} leads.`;
}

function wayOn({ adoptable }: RoomView): string {
  return adoptable.length > 0
    ? 'Open the tab of a voter again, or let this tab run one that has its storage in this browser.'
    : 'Open the tab of a voter again.';
}

function describeFaults({ cut, lossPercent, delayMilliseconds }: FaultSettings): string {
  const parts = [
    ...(cut.size > 0 ? [`the link to ${[...cut].join(', ')} is cut`] : []),
    ...(lossPercent > 0 ? [`${lossPercent} % of the messages are lost`] : []),
    ...(delayMilliseconds > 0 ? [`every message takes ${delayMilliseconds} ms longer`] : []),
  ];
  return capital(parts.join(', '));
}

/** In one or two words, for the picture. */
export function roleOf({ isThere, isVoter, tell }: MemberSight, leader: string | undefined): string {
  if (tell?.isFrozen === true) return 'frozen';
  if (!isThere) return 'not here';
  if (tell === undefined) return isVoter ? 'votes' : 'stands by';
  if (tell.role === 'leader') return tell.from === leader ? 'leads' : 'still leads';
  if (tell.role !== 'follower') return 'campaigns';
  return isVoter ? 'votes' : 'stands by';
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
