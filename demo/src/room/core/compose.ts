// How a member of this page is put together, in a room as in the laboratory: the home, then `openMember` with the demo's clock, recorder and dial. What is
// broken on purpose is in what it is given.
import { openHome, openMember } from '@raftkv/server';
import type { HomeOptions, Member, MemberOptions } from '@raftkv/server';

export const timing = { tickMilliseconds: 50, electionTimeoutTicks: 30, heartbeatTicks: 5 } as const;
/** In recordings. */
export const software = 'raftkv demo';

export interface ComposeOptions extends HomeOptions {
  readonly clock: MemberOptions['clock'];
  readonly dial: MemberOptions['mesh']['dial'];
  readonly recorder: NonNullable<MemberOptions['replica']>['recorder'];
  readonly onHalt: MemberOptions['onHalt'];
  /** Ticks. Default: that of rooms, whose tabs may be hidden. */
  readonly electionTimeoutTicks?: number;
}

export async function composeMember(options: ComposeOptions): Promise<Member> {
  const { clock, dial, recorder, onHalt, electionTimeoutTicks = timing.electionTimeoutTicks } = options;
  const home = await openHome(options);
  const member = await openMember({
    home,
    version: software,
    clock,
    raft: {
      seed: crypto.getRandomValues(new Uint32Array(1))[0]!,
      electionTimeoutTicks,
      heartbeatTicks: timing.heartbeatTicks,
    },
    tickMilliseconds: timing.tickMilliseconds,
    mesh: { dial },
    replica: { ...(recorder === undefined ? {} : { recorder }), snapshotThreshold: 2_000 },
    onHalt,
  });
  // What goes wrong is told to the owner by the member.
  member.start().catch(() => undefined);
  return member;
}
