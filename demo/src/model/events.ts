// What happened to the cluster between two looks at it, in words, for the list of events. Pure.
import type { ClusterView, MemberHealth } from './cluster-view.ts';

export interface ClusterEvent {
  readonly tone: 'good' | 'plain' | 'bad';
  readonly text: string;
}

const sentences: Readonly<Record<MemberHealth, { readonly tone: ClusterEvent['tone']; readonly text: string }>> = {
  up: { tone: 'good', text: 'is back' },
  heard: { tone: 'plain', text: 'is heard by others only' },
  silent: { tone: 'bad', text: 'does not answer' },
  starting: { tone: 'plain', text: 'is starting' },
  running: { tone: 'good', text: 'runs' },
  paused: { tone: 'bad', text: 'was paused' },
  stopping: { tone: 'plain', text: 'is stopping in order' },
  stopped: { tone: 'bad', text: 'has stopped' },
  killed: { tone: 'bad', text: 'was killed' },
  failed: { tone: 'bad', text: 'ended by itself' },
};

export function eventsBetween(before: ClusterView, after: ClusterView): ClusterEvent[] {
  if (!before.isKnown) return [];
  const events: ClusterEvent[] = [];
  for (const member of after.members) {
    const known = before.members.find((each) => each.name === member.name);
    if (known === undefined || known.health === member.health) continue;
    const { tone, text } = sentences[member.health];
    events.push({ tone, text: `${member.name} ${text}` });
  }
  if (before.hasQuorum && !after.hasQuorum) {
    events.push({ tone: 'bad', text: `No majority: ${after.up} of ${after.voters} answer, writes wait` });
  }
  if (!before.hasQuorum && after.hasQuorum) {
    events.push({ tone: 'good', text: `A majority again: ${after.up} of ${after.voters} answer` });
  }
  if (after.leader !== undefined && (after.leader !== before.leader || after.term !== before.term)) {
    events.push({ tone: 'good', text: `${after.leader} leads in term ${after.term}` });
  } else if (after.leader === undefined && before.leader !== undefined) {
    events.push({ tone: 'bad', text: `No leader is known: ${before.leader} led until now` });
  }
  return events;
}
