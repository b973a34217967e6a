// When one of two voters may answer for the other, and what it says then; the whole of it, with members that come back, is in the suites of rooms.
import type { Configuration, Message, RaftStatus } from '@raftkv/raft';
import type { Transport, TransportHandlers } from '@raftkv/transport';
import { expect, it } from 'vitest';
import { StandIn } from '../src/stand-in.ts';

const pair: Configuration = { voters: ['a', 'b'], votersOutgoing: [], learners: [] };
const three: Configuration = { ...pair, voters: ['a', 'b', 'c'] };
const voice = { memberId: 'b', term: 3, lastTerm: 3, lastIndex: 9, committedConfigurationIndex: 7 };
function self(more: Partial<RaftStatus> = {}): RaftStatus {
  const both = { configuration: pair, committedConfiguration: pair, configurationIndex: 7 };
  return { id: 'a', role: 'follower', term: 3, lastTerm: 3, lastIndex: 9, ...both, ...more } as RaftStatus;
}

function open(status: () => RaftStatus = () => self()) {
  const sent: Message[] = [];
  const heard: Message[] = [];
  let handlers!: TransportHandlers;
  const inner = {
    start: (given: TransportHandlers) => (handlers = given),
    send: (messages: readonly Message[]) => sent.push(...messages),
    isConnected: () => false,
    close: async () => undefined,
  } as unknown as Transport;
  const standIn = new StandIn(inner, status, (act) => act());
  standIn.start({ onMessage: (message) => heard.push(message), onUnreachable: () => undefined });
  return { standIn, sent, heard, receive: (message: Message) => handlers.onMessage(message) };
}

it('a voice is taken of two voters only, by one whose log is as up to date, and for certain', () => {
  const may = (status: RaftStatus): boolean => open().standIn.standFor(voice, status);
  expect(may(self())).toBe(true);
  expect(may(self({ lastIndex: 10 }))).toBe(true);
  expect(may(self({ lastTerm: 4, lastIndex: 2 }))).toBe(true);
  expect(may(self({ lastIndex: 8 }))).toBe(false);
  expect(may(self({ lastTerm: 2, lastIndex: 20 }))).toBe(false);
  expect(may(self({ configuration: three }))).toBe(false);
  // A change to two that may yet be taken back, unless the one that goes knows that it may not.
  expect(may(self({ committedConfiguration: three, configurationIndex: 8 }))).toBe(false);
  expect(may(self({ committedConfiguration: three }))).toBe(true);
  expect(may(self({ committedConfiguration: { ...pair, votersOutgoing: three.voters } }))).toBe(true);
  expect(may(self({ id: 'c' }))).toBe(false);
});

it('who stands in votes and acknowledges for the other, whose own words count no more', () => {
  const { standIn, sent, heard, receive } = open();
  expect(standIn.standFor(voice, self())).toBe(true);
  expect(heard.splice(0)).toMatchObject([{ type: 'timeoutNowRequest', from: 'b', to: 'a', term: 3 }]);
  standIn.send([
    { type: 'voteRequest', from: 'a', to: 'b', term: 4, lastIndex: 9, lastTerm: 3 },
    { type: 'heartbeatRequest', from: 'a', to: 'c', term: 4, commitIndex: 1, readToken: 1 },
  ]);
  expect(heard.splice(0)).toEqual([{ type: 'voteResponse', from: 'b', to: 'a', term: 4, granted: true }]);
  expect(sent.map(({ to }) => to)).toEqual(['c']);
  expect(standIn.isConnected('b')).toBe(true);
  receive({ type: 'voteRequest', from: 'b', to: 'a', term: 9, lastIndex: 9, lastTerm: 3 });
  expect(heard).toEqual([]);
});

it('who gave its voice away says and hears nothing, and takes none', () => {
  const { standIn, sent, heard, receive } = open();
  standIn.mute();
  standIn.send([{ type: 'voteResponse', from: 'a', to: 'b', term: 4, granted: true }]);
  receive({ type: 'voteRequest', from: 'b', to: 'a', term: 4, lastIndex: 9, lastTerm: 3 });
  expect(standIn.standFor(voice, self())).toBe(false);
  expect([sent, heard]).toEqual([[], []]);
});

it('once there are others to agree with, the other one speaks for itself again, and is not spoken for', () => {
  let configuration: Configuration = pair;
  const { standIn, sent, heard, receive } = open(() => self({ configuration }));
  standIn.standFor(voice, self());
  heard.splice(0);
  const heartbeat: Message = { type: 'heartbeatRequest', from: 'a', to: 'b', term: 4, commitIndex: 1, readToken: 1 };
  standIn.send([heartbeat]);
  expect(heard.splice(0)).toMatchObject([{ type: 'heartbeatResponse', readToken: 1, priority: 0 }]);
  // Its own removal, half done, is still a matter of the two.
  configuration = { voters: ['a'], votersOutgoing: ['a', 'b'], learners: [] };
  standIn.send([heartbeat]);
  expect(heard.splice(0)).toHaveLength(1);
  configuration = { voters: ['a', 'b', 'c'], votersOutgoing: ['a', 'b'], learners: [] };
  standIn.send([heartbeat]);
  expect(heard).toEqual([]);
  expect(standIn.standsFor).toBeUndefined();
  configuration = pair;
  standIn.send([heartbeat]);
  receive({ type: 'heartbeatResponse', from: 'b', to: 'a', term: 4, readToken: 1 });
  expect(sent).toEqual([heartbeat, heartbeat]);
  expect(heard).toHaveLength(1);
});

it('who stands in makes no change of the members but that the other one goes', () => {
  const { standIn } = open();
  const learner = { type: 'promote', id: 'c' } as const;
  expect(standIn.refusalOf([learner])).toBeUndefined();
  standIn.standFor(voice, self());
  expect(standIn.refusalOf([learner])?.code).toBe('busy');
  expect(standIn.refusalOf([{ type: 'remove', id: 'b' }, learner])?.code).toBe('busy');
  expect(standIn.refusalOf([{ type: 'remove', id: 'b' }])).toBeUndefined();
});
