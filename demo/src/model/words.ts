// States, bad days above all, in plain words. Pure: what is known in, what to say out. The line under the header shows the worst of them.
import type { RaftkvError, ReplicaStatus, WriteState } from 'raftkv';
import { isCard } from '../board/card-model.ts';
import type { ClusterView } from './cluster-view.ts';
import { formatCount } from './format.ts';
import type { LoggedWrite } from './write-log.ts';

export interface Advice {
  readonly tone: 'good' | 'plain' | 'warn' | 'bad';
  readonly title: string;
  readonly text: string;
}

/** The one thing that whoever looks at this tab should know now. `writes`: those that are to be seen, of which some may need a look. */
export function adviseOn(
  status: ReplicaStatus,
  cluster: ClusterView,
  isSwitchedOff: boolean,
  writes: readonly LoggedWrite[] = [],
): Advice {
  const waiting = waitingText(status.unsentWrites);
  if (isSwitchedOff) {
    return {
      tone: 'warn',
      title: 'You are working offline',
      text: `Everything can be read from this tab’s copy. ${waiting === '' ? 'What you write is kept here until you go online.' : `${waiting}What waits leaves, in order and exactly once, when you go online.`}`,
    };
  }
  const wrong = status.error === undefined ? undefined : troubles[status.error.code];
  if (wrong?.tone === 'bad') return wrong;
  if (status.phase === 'failed') {
    return {
      tone: 'bad',
      title: 'This tab has no copy',
      text: sentence(status.error?.message ?? 'It cannot be opened.'),
    };
  }
  if (cluster.isKnown && cluster.up === 0) {
    return {
      tone: 'bad',
      title: 'No node answers',
      text: `Reads go on from this tab’s copy. ${waiting || 'Writes wait here. '}It looks for a node again and again.`,
    };
  }
  if (cluster.isKnown && !cluster.hasQuorum) {
    return {
      tone: 'bad',
      title: 'No majority',
      text: `${cluster.up} of ${cluster.voters} nodes answer, and ${Math.floor(cluster.voters / 2) + 1} must agree. Reads go on. ${waiting || 'Writes wait. '}Nothing that was acknowledged is lost.`,
    };
  }
  if (wrong !== undefined) return wrong;
  if (writes.some(({ state }) => state.error?.code === 'session_expired')) return forgotten;
  if (status.phase === 'loading') return { tone: 'plain', title: 'Opening', text: 'Reading what this tab has kept.' };
  if (status.connection !== 'online') {
    return status.connection === 'connecting'
      ? { tone: 'plain', title: 'Connecting', text: 'Looking for a node.' }
      : {
          tone: 'warn',
          title: 'Reconnecting',
          text: `The connection was lost. Reads go on from this tab’s copy. ${waiting}`,
        };
  }
  if (status.phase === 'syncing') {
    return { tone: 'plain', title: 'Fetching the first copy', text: 'Until it is whole, the cluster answers reads.' };
  }
  if (cluster.isKnown && cluster.leader === undefined) {
    return {
      tone: 'warn',
      title: 'An election is under way',
      text: 'Writes wait for the new leader, a moment as a rule.',
    };
  }
  if (cluster.isKnown && cluster.up < cluster.voters) {
    return {
      tone: 'warn',
      title: 'All goes on',
      text: `${cluster.up} of ${cluster.voters} nodes answer: still a majority. The others catch up when they are back.`,
    };
  }
  if (status.error !== undefined) {
    return { tone: 'warn', title: 'Something is not right', text: sentence(status.error.message) };
  }
  return {
    tone: 'good',
    title: 'In step',
    text: cluster.isKnown
      ? `${cluster.voters === 1 ? 'The node answers' : `All ${cluster.voters} nodes answer`}, and this tab has all they have agreed on.`
      : 'This tab has all that the cluster has agreed on.',
  };
}

/** Ends in a space, so that it can stand in the middle. */
function waitingText(writes: number): string {
  if (writes === 0) return '';
  return writes === 1 ? 'One write waits here. ' : `${writes} writes wait here. `;
}

/** An error of writes alone: the copy needs no session. */
const forgotten: Advice = {
  tone: 'warn',
  title: 'This tab was away for too long',
  text: 'The cluster has forgotten its session. Writes of unknown outcome are marked: look before you repeat them. What had not left has been sent.',
};

/** Errors of the copy that say what to do, in the words of whoever meets them. */
const troubles: Readonly<Partial<Record<RaftkvError['code'], Advice>>> = {
  wrong_cluster: {
    tone: 'bad',
    title: 'This is another cluster',
    text: 'What this tab keeps belongs to a cluster that no longer answers here. “Forget this copy” begins anew with the one that does.',
  },
  unsupported_version: {
    tone: 'bad',
    title: 'Versions do not fit',
    text: 'This page and the cluster, or what this tab keeps, are of different versions. Reload the page.',
  },
  storage_locked: {
    tone: 'warn',
    title: 'Another tab holds the storage',
    text: 'This tab works from memory meanwhile; nothing is lost.',
  },
  storage_full: {
    tone: 'warn',
    title: 'The browser’s storage is full',
    text: 'This tab goes on from memory. Nothing that the cluster acknowledged is lost, but the copy must be fetched again at the next start.',
  },
  unsupported: {
    tone: 'warn',
    title: 'This browser keeps nothing',
    text: 'Its storage is blocked, as in some private windows. This tab works from memory and fetches its copy at each start.',
  },
  storage_failed: {
    tone: 'warn',
    title: 'The browser’s storage does not work',
    text: 'It was blocked or cannot be opened. This tab works from memory; nothing that the cluster acknowledged is lost.',
  },
  storage_missing: {
    tone: 'warn',
    title: 'What this tab kept is gone',
    text: 'The browser or somebody deleted it. This tab goes on from memory, and fetches its copy again at the next start.',
  },
  storage_corrupt: {
    tone: 'warn',
    title: 'What this tab kept was damaged',
    text: 'That was noticed, and the copy is fetched anew. Nothing that the cluster acknowledged is lost.',
  },
  storage_identity: {
    tone: 'warn',
    title: 'What this tab kept belongs to something else',
    text: 'The copy is fetched anew.',
  },
  diverged: {
    tone: 'warn',
    title: 'The copy did not agree with the cluster',
    text: 'That was noticed by its hash. It was thrown away and is fetched anew.',
  },
};

export function describeWrite({ status, error, revision, kept }: WriteState): {
  readonly short: string;
  readonly long: string;
} {
  switch (status) {
    case 'local':
      if (kept === true) {
        return {
          short: 'Waiting on this device',
          long: 'Kept in this browser, also when it is closed; sent, once and in order, when the way is open.',
        };
      }
      return {
        short: 'In this tab',
        long: 'Shown here, not sent yet: it waits for a connection or for an earlier write.',
      };
    case 'sent':
      return { short: 'Sent', long: 'On its way; a majority of the nodes has not confirmed it yet.' };
    case 'committed':
      return {
        short: revision === undefined ? 'Committed' : `Committed at ${formatCount(revision)}`,
        long: 'On the disks of a majority of the nodes.',
      };
    case 'refused':
      return { short: 'Refused', long: `It did not happen: ${refusal(error)}` };
    case 'unknown':
      return { short: 'Unknown', long: `It may have happened or not: ${refusal(error)} Look before you repeat it.` };
  }
}

/** Why a write did not happen, for people. */
export function refusal(error: RaftkvError | undefined): string {
  if (error === undefined) return 'no reason was given.';
  switch (error.code) {
    case 'condition_failed':
      return somebodyElse(error.found);
    case 'no_leader':
      return 'the cluster has no leader at the moment.';
    case 'timeout':
      return 'no answer came in time.';
    case 'connect_failed':
    case 'connection_lost':
      return 'the connection was lost.';
    case 'session_expired':
      return 'this tab was away for so long that the cluster forgot its session.';
    case 'value_too_large':
    case 'batch_too_large':
    case 'request_too_large':
      return 'it is too large.';
    case 'storage_full':
      return 'this browser’s storage is full, so it cannot be kept here.';
    case 'busy':
      return 'too much is waiting already.';
    case 'closed':
    case 'cancelled':
      return 'it was given up.';
    default:
      return sentence(error.message);
  }
}

/** `found`: what is there instead, of whoever was faster. */
function somebodyElse(found: RaftkvError['found']): string {
  if (found === undefined) return 'somebody else changed it first.';
  const value = found[0]?.value;
  if (found.length === 0) return 'somebody else deleted it.';
  return isCard(value) ? `somebody else changed it to “${value.title}”.` : 'somebody else changed it first.';
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
