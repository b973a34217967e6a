// What a room is like, in plain words: the one thing that whoever looks at this tab should know now, and what each member is. Pure.
import type { Advice } from '../../model/words.ts';
import type { FaultSettings } from '../faults/faults.ts';
import type { MemberSight, Phase, RoomView } from '../source/room-view.ts';

export function adviseOnRoom(view: RoomView, faults: FaultSettings): Advice {
  const { phase, problem, role, leader, voters, quorum } = view;
  if (phase === 'left') return adviseOnDeparture(view);
  if (phase !== 'running') return adviseOnPhase(phase, problem);
  if (faults.frozenUntil !== undefined) {
    return {
      tone: 'warn',
      title: 'This tab is frozen',
      text: 'Its member hears and says nothing. The others go on if they are a majority.',
    };
  }
  if (view.isSuperseded) {
    return {
      tone: 'bad',
      title: 'The room went on without this tab',
      text: 'Somebody went on from another tab when most voters were gone. What is written here does not get there.',
    };
  }
  if (quorum === 'lost') return adviseOnLoss(view);
  if (faults.cut.size > 0 || faults.lossPercent > 0 || faults.delayMilliseconds > 0) {
    return {
      tone: 'warn',
      title: 'Broken on purpose',
      text: `${describeFaults(faults)} in this tab. ${roleText(view)}`,
    };
  }
  if (leader === undefined || quorum !== 'works') {
    return {
      tone: 'warn',
      title: 'An election is under way',
      text: 'Writes wait for the new leader, a moment as a rule.',
    };
  }
  const together = view.warnings.map((warning) => ` ${warning}`).join('');
  if (!view.isVoter) {
    return {
      tone: 'good',
      title: 'You read along',
      text: `This tab has a copy of everything, writes through the voters, and is asked to vote when it is needed.${together}`,
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

/** What stands then, in the room's own words. */
function adviseOnDeparture({ departure, waitingWrites }: RoomView): Advice {
  const waiting = waitingWrites === 0 ? '' : ` ${waitingWords(waitingWrites)} for when it is opened again.`;
  const { state, words } = departure ?? { state: 'gone', words: 'The others let this tab go and work on.' };
  const text = `${words}${waiting}`;
  if (state === 'owed') return { tone: 'warn', title: 'You left, and are still a member', text };
  return { tone: 'plain', title: 'You left the room', text };
}

function adviseOnPhase(phase: Exclude<Phase, 'running' | 'left'>, problem: string | undefined): Advice {
  switch (phase) {
    case 'failed':
      return { tone: 'bad', title: 'This tab is not in the room', text: sentence(problem ?? 'its member stopped') };
    case 'alone':
      return {
        tone: 'warn',
        title: 'Nobody is here',
        text: 'No other tab of this room answers, and this browser keeps nothing of it. Open a tab that is in it, or make a new room.',
      };
    case 'joining':
      return { tone: 'plain', title: 'Joining', text: 'This tab finds out who is in the room.' };
    default:
      return { tone: 'plain', title: 'Opening', text: 'This tab makes itself a place to keep the log.' };
  }
}

function adviseOnLoss({ voters, votersThere, missing, knowsMore, waitingWrites }: RoomView): Advice {
  const needed = Math.floor(voters / 2) + 1;
  const who = missing.length === 1 ? `the tab of ${missing[0]}` : `a tab of ${missing.join(' or ')}`;
  const waiting = waitingWrites === 0 ? 'What you write waits in this browser.' : `${waitingWords(waitingWrites)}.`;
  return {
    tone: 'bad',
    title: 'No majority: reading only',
    text: `${votersThere} of ${voters} voters are here, and ${needed} must agree. Everything can be read, nothing can be written, and nothing that was acknowledged is lost. ${waiting} Open ${who} again, or go on without them${knowsMore === undefined ? '' : `, from ${knowsMore}`}.`,
  };
}

/** What going on without the majority costs, and what the buttons say: who presses them has read it. */
export function waysWords({ missing, knowsMore }: Pick<RoomView, 'missing' | 'knowsMore'>): {
  readonly text: string;
  readonly offer: string;
  readonly confirmation: string;
} {
  const who = missing.length === 0 ? 'the other voters' : missing.join(' and ');
  const gone = `${who} ${missing.length === 1 ? 'is' : 'are'} gone for good`;
  const rest = `What only ${knowsMore === undefined ? 'they know' : 'others know'} is not part of it then, and voters that come back are not let in, but told.`;
  if (knowsMore !== undefined) {
    return {
      text: `${capital(knowsMore)} may know more than this tab: if ${gone}, go on from there. ${rest}`,
      offer: 'Go on from here all the same …',
      confirmation: `Go on without ${knowsMore}, too`,
    };
  }
  return {
    text:
      `If ${gone}, the room can go on with all that the log of this tab holds. Its end may be writes that were not agreed yet, whose ` +
      `outcome nobody was told: they take effect then. ${rest}`,
    offer: 'Go on from here …',
    confirmation: 'Go on without them',
  };
}

function waitingWords(writes: number): string {
  return writes === 1 ? 'One write waits in this browser' : `${writes} writes wait in this browser`;
}

function roleText({ role, leader }: RoomView): string {
  return role === 'leader' ? 'You lead.' : `${capital(leader ?? 'nobody')} leads.`;
}

function describeFaults({ cut, lossPercent, delayMilliseconds }: FaultSettings): string {
  const parts = [
    ...(cut.size > 0 ? [`the link to ${[...cut].join(', ')} is cut`] : []),
    ...(lossPercent > 0 ? [`${lossPercent} % of the messages are lost`] : []),
    ...(delayMilliseconds > 0 ? [`every message takes ${delayMilliseconds} ms longer`] : []),
  ];
  return capital(parts.join(', '));
}

/** Which other tabs are there, of this browser and of others; empty if there is none. Who has told nothing yet is not counted. */
export function companyOf(members: readonly Pick<MemberSight, 'isSelf' | 'isThere' | 'tell'>[]): string {
  const own = members.find(({ isSelf }) => isSelf)?.tell?.domain;
  const domains = members.flatMap(({ isSelf, isThere, tell }) => (isSelf || !isThere || !tell ? [] : [tell.domain]));
  const here = domains.filter((domain) => domain === own).length;
  const elsewhere = domains.filter((domain) => domain !== own);
  const browsers = new Set(elsewhere).size;
  const parts = [
    ...(here > 0 ? [`${here} other ${here === 1 ? 'tab' : 'tabs'} of this browser`] : []),
    ...(browsers > 0
      ? [
          `${elsewhere.length} ${elsewhere.length === 1 ? 'tab' : 'tabs'} of ${browsers} other ${browsers === 1 ? 'browser' : 'browsers'}`,
        ]
      : []),
  ];
  if (parts.length === 0) return '';
  return `${parts.join(' and ')} ${domains.length === 1 ? 'is' : 'are'} here.`;
}

/** In one or two words, for the picture. */
export function roleOf({ name, isThere, isVoter, isMember, tell }: MemberSight, leader: string | undefined): string {
  if (tell?.isFrozen === true) return 'frozen';
  if (!isThere) return 'not here';
  if (!isMember) return 'reads along';
  if (tell === undefined || tell.role === 'follower') return isVoter ? 'votes' : 'learns';
  if (tell.role === 'leader') return name === leader ? 'leads' : 'still leads';
  return 'campaigns';
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? capital(text) : `${capital(text)}.`;
}
