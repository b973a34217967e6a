// Which configuration holds, and which held: those of the log, each active from the moment its entry is appended until that is cut off
// again (§4.1), and the one that a joining member was told. Only these functions write state.membership and state.configuration.
import type { Configuration, Entry } from './entry.ts';
import type { ConfigurationStatus } from './ready.ts';
import type { HeldConfiguration, Membership, RaftState } from './state.ts';
import { InvariantError, assert } from './assert.ts';
import { isVoter, isWellFormed } from './configuration.ts';
import type { RaftLog } from './log.ts';
import { lastIndexOf } from './log.ts';
import type { RaftInitialState, ResolvedOptions } from './options.ts';

/** What a member starts with. Throws if a configuration is not well-formed, or does not decode. */
export function createMembership(
  { configurationCodec }: ResolvedOptions,
  { snapshot, configuration, configurationIndex = 0 }: RaftInitialState,
  log: RaftLog,
): Membership {
  const snapshotIndex = snapshot?.lastIncludedIndex ?? 0;
  const membership: Membership = { history: [], told: undefined, handedOut: undefined, isRetiring: false };
  if (snapshot !== undefined) membership.history.push({ index: snapshotIndex, configuration: snapshot.configuration });
  else if (configurationIndex === 0) membership.history.push({ index: 0, configuration });
  if (configurationIndex > snapshotIndex) membership.told = { index: configurationIndex, configuration };
  for (const entry of log.entries) {
    if (entry.kind !== 'configuration' || entry.index <= snapshotIndex) continue;
    membership.history.push({ index: entry.index, configuration: configurationCodec.decode(entry.data) });
  }
  for (const { index, configuration: held } of [...membership.history, ...(membership.told ? [membership.told] : [])]) {
    assert(isWellFormed(held), () => `configuration without voters, or with an id twice (${index})`);
  }
  return membership;
}

/** The active one. */
export function activeConfiguration({ history, told }: Membership): HeldConfiguration {
  const newest = history.at(-1);
  if (newest !== undefined && (told === undefined || newest.index >= told.index)) return newest;
  assert(told !== undefined, 'no configuration is known');
  return told;
}

/** The newest one that is known to be committed. */
export function committedConfiguration({ membership, commitIndex }: RaftState): HeldConfiguration {
  const { history, told } = membership;
  const held = heldAt(history, commitIndex);
  if (held !== undefined && (told === undefined || held.index >= told.index)) return held;
  assert(told !== undefined, () => `no configuration is committed at ${commitIndex}`);
  return told;
}

/** The one as of `index`, at or after the latest snapshot; undefined if this member has joined and the log has not told it yet. */
export function configurationAt({ membership }: RaftState, index: number): Configuration | undefined {
  return heldAt(membership.history, index)?.configuration;
}

/** Whether a change of members is appended and not known to be committed. */
export function isChangeOpen(state: RaftState): boolean {
  return activeConfiguration(state.membership).index > state.commitIndex;
}

/** §4.1: in force from the moment that its entry is in the log, committed or not. */
export function activateConfiguration(state: RaftState, index: number, configuration: Configuration): void {
  state.membership.history.push({ index, configuration });
  refresh(state);
}

/** The entries from `from` on are cut off: what held before holds again (T20). */
export function rollBackConfigurations(state: RaftState, from: number): void {
  const { history } = state.membership;
  if ((history.at(-1)?.index ?? 0) < from) return;
  while ((history.at(-1)?.index ?? 0) >= from) history.pop();
  refresh(state);
}

/** A snapshot took the place of the whole log. */
export function resetConfigurations(state: RaftState, index: number, configuration: Configuration): void {
  state.membership.history = [{ index, configuration }];
  refresh(state);
}

/** Nobody asks any more for what held before `index`. */
export function forgetConfigurations({ membership }: RaftState, index: number): void {
  const { history } = membership;
  while (history.length > 1 && history[1]!.index <= index) history.shift();
}

/** The configuration in an entry that a peer sent; undefined if there is none in it. */
export function readConfiguration({ options }: RaftState, { data }: Entry): Configuration | undefined {
  try {
    const configuration = options.configurationCodec.decode(data);
    return isWellFormed(configuration) ? configuration : undefined;
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    return undefined;
  }
}

/** §4.2.2 for one who joins: its log must have told it what it is before it may stand for election (T24). */
export function hasJoined({ membership, log }: RaftState): boolean {
  return membership.told === undefined || lastIndexOf(log) >= membership.told.index;
}

/**
 * §4.2.2, Figure 4.6: who is no voter of its own newest configuration is needed as long as that may not be committed: its log may be the
 * only one that a quorum of the configuration before lets win. (That one is committed, or there would be no newer one: T19.)
 */
export function mayLead(state: RaftState): boolean {
  if (isVoter(state.configuration, state.id)) return true;
  const before = state.membership.history.at(-2);
  return isChangeOpen(state) && before !== undefined && isVoter(before.configuration, state.id);
}

export function configurationStatus(state: RaftState): ConfigurationStatus {
  const active = activeConfiguration(state.membership);
  const committed = committedConfiguration(state);
  return {
    active: active.configuration,
    activeIndex: active.index,
    committed: committed.configuration,
    committedIndex: committed.index,
  };
}

/** Whether something changed since the last Ready. */
export function isConfigurationNews(state: RaftState): boolean {
  const { handedOut } = state.membership;
  return (
    handedOut === undefined ||
    handedOut.active !== activeConfiguration(state.membership).configuration ||
    handedOut.committed !== committedConfiguration(state).configuration
  );
}

function refresh(state: RaftState): void {
  state.configuration = activeConfiguration(state.membership).configuration;
}

function heldAt(history: readonly HeldConfiguration[], index: number): HeldConfiguration | undefined {
  for (let at = history.length - 1; at >= 0; at--) if (history[at]!.index <= index) return history[at];
  return undefined;
}
