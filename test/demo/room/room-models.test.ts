// The room as the page shows it: the view out of what members tell, the words for it, who is to vote, addresses, and where things stand in the picture.
import { describe, expect, it } from 'vitest';
import { parseRoomPath } from '../../../demo/src/room/paths.ts';
import { keep } from '../../../demo/src/room/source/keeper.ts';
import { notesBetween } from '../../../demo/src/room/source/room-notes.ts';
import { viewRoom } from '../../../demo/src/room/source/room-view.ts';
import type { RoomView, ViewSource } from '../../../demo/src/room/source/room-view.ts';
import type { Tell } from '../../../demo/src/room/source/tell.ts';
import { Told, flightsOf } from '../../../demo/src/room/source/told.ts';
import { arcPath, laneOf, placeOf, wideFrame } from '../../../demo/src/room/view/geometry.ts';
import { adviseOnRoom, roleOf } from '../../../demo/src/room/view/words.ts';

const healthy = { lossPercent: 0, delayMilliseconds: 0, cut: new Set<string>(), frozenUntil: undefined };

function tellOf(from: string, changes: Partial<Tell> = {}): Tell {
  return {
    type: 'tell',
    from,
    memberId: `id of ${from}`,
    domain: 'this browser',
    role: from === 'ash' ? 'leader' : 'follower',
    term: 3,
    leader: 'ash',
    commitIndex: 20,
    appliedIndex: 20,
    persistedIndex: 20,
    lastIndex: 20,
    tail: [3, 3],
    silentTicks: 1,
    isVisible: true,
    isFrozen: false,
    isGuest: false,
    voters: ['ash', 'birch', 'cedar'],
    learners: [],
    links: [{ to: 'ash', kind: 'WebRTC' }],
    sent: [],
    ...changes,
  };
}

/** As `birch` has it. `ages`: how long ago each told something. */
function roomOf(
  tells: readonly Tell[],
  changes: Partial<ViewSource> = {},
  ages: Record<string, number> = {},
): RoomView {
  const now = 100_000;
  return viewRoom({
    phase: 'running',
    problem: undefined,
    room: 'abc',
    self: 'birch',
    guests: [],
    tells: new Map(tells.map((tell) => [tell.from, { tell, at: now - (ages[tell.from] ?? 100) }])),
    cut: new Set(),
    connected: new Set(),
    local: ['ash', 'birch', 'cedar'],
    now,
    ...changes,
  });
}
const three = [tellOf('ash'), tellOf('birch'), tellOf('cedar')];

describe('the view of a room', () => {
  it('knows who leads, who votes, and that all fail together', () => {
    const view = roomOf(three);
    expect(view).toMatchObject({ leader: 'ash', role: 'follower', voters: 3, votersThere: 3, hasQuorum: true });
    expect(view.isOneBrowser).toBe(true);
    expect(adviseOnRoom(view, healthy)).toMatchObject({ tone: 'good', title: 'You vote here' });
    expect(adviseOnRoom(view, healthy).text).toContain('they fail together');
    expect(roomOf([...three.slice(0, 2), tellOf('cedar', { domain: 'another' })]).isOneBrowser).toBe(false);
  });

  it('takes a member for gone that says nothing for a while, unless a channel to it stands', () => {
    const gone = { ash: 10_000, cedar: 10_000 };
    const view = roomOf(three, {}, gone);
    expect(view).toMatchObject({ votersThere: 1, hasQuorum: false });
    expect(adviseOnRoom(view, healthy)).toMatchObject({ tone: 'bad', title: 'No majority: reading only' });
    expect(adviseOnRoom(view, healthy).text).toContain('1 of 3 voters are here, and 2 must agree');
    expect(roomOf(three, { connected: new Set(['ash']) }, gone).hasQuorum).toBe(true);
  });

  it('does not count a member that is frozen, and says so of itself', () => {
    const view = roomOf([three[0]!, three[1]!, tellOf('cedar', { isFrozen: true })]);
    expect(view.votersThere).toBe(2);
    expect(
      roleOf(
        view.members.find(({ name }) => name === 'cedar')!,
        'ash',
      ),
    ).toBe('frozen');
    expect(adviseOnRoom(view, { ...healthy, frozenUntil: 5 }).title).toBe('This tab is frozen');
  });

  it('believes whose log goes further about who is a member, and the higher term about who leads', () => {
    const ahead = tellOf('ash', { term: 5, commitIndex: 40, voters: ['ash', 'birch'], learners: ['dill'] });
    expect(roomOf([ahead, tellOf('birch')]).members.map(({ name }) => name)).toEqual(['ash', 'birch', 'dill']);
    const old = tellOf('cedar', { role: 'leader', term: 2 });
    const view = roomOf([three[0]!, three[1]!, old]);
    expect(view.leader).toBe('ash');
    expect(
      roleOf(
        view.members.find(({ name }) => name === 'cedar')!,
        'ash',
      ),
    ).toBe('still leads');
  });

  it('shows a link as its ends have it, and as cut where this tab has cut it', () => {
    const linkOf = (view: RoomView) => view.links.find(({ a, b }) => a === 'ash' && b === 'birch');
    expect(linkOf(roomOf(three))).toMatchObject({ kind: 'WebRTC', isCut: false });
    expect(linkOf(roomOf(three, { cut: new Set(['ash']) }))).toMatchObject({ kind: undefined, isCut: true });
  });

  it('says what is broken on purpose', () => {
    const faults = { ...healthy, lossPercent: 20, cut: new Set(['ash']) };
    expect(adviseOnRoom(roomOf(three), faults).text).toContain('The link to ash is cut, 20 % of the messages are lost');
  });

  it.each<[string, Partial<RoomView>, string]>([
    ['opening', { phase: 'opening' }, 'Opening'],
    ['joining', { phase: 'joining' }, 'Joining'],
    ['a log that is yet to come', { term: 0, voters: 2, votersThere: 0, hasQuorum: false }, 'Joining'],
    ['alone', { phase: 'alone' }, 'Nobody is here'],
    ['failed', { phase: 'failed', problem: 'the disk is full' }, 'This tab is not in the room'],
    ['an election', { leader: undefined }, 'An election is under way'],
    ['leading', { role: 'leader' }, 'You lead'],
    ['leading nobody else', { role: 'leader', voters: 1, votersThere: 1 }, 'You lead, alone so far'],
    ['standing by', { isVoter: false }, 'You stand by'],
  ])('has words for %s', (_, changes, title) => {
    expect(adviseOnRoom({ ...roomOf(three), ...changes }, healthy).title).toBe(title);
  });
});

describe('the notes', () => {
  const textsOf = (before: RoomView, after: RoomView): string[] => notesBetween(before, after).map(({ text }) => text);

  it('tell who came, went, was heard again, votes and leads', () => {
    const before = roomOf(three);
    expect(textsOf(before, before)).toEqual([]);
    const gone = roomOf(three, {}, { ash: 9_000, cedar: 9_000 });
    expect(textsOf(before, gone)).toEqual([
      'Ash is not heard',
      'Cedar is not heard',
      'No majority: 1 of 3 voters are here',
    ]);
    expect(textsOf(gone, before)).toEqual(['Ash is back', 'Cedar is back']);
    const lead = [
      tellOf('birch', { role: 'leader', term: 4, voters: ['birch', 'dill'] }),
      tellOf('dill', { voters: ['birch', 'dill'] }),
    ];
    expect(textsOf(before, roomOf(lead))).toEqual([
      'Dill is let in',
      'Ash is no member any more',
      'Cedar is no member any more',
      'Birch leads in term 4',
    ]);
  });
});

describe('the keeper', () => {
  const heard = (): number => 100;
  const asLeader = (view: RoomView): RoomView => ({ ...view, role: 'leader' });

  it('wishes for nothing while all is well, nor where this tab does not lead', () => {
    expect(keep(asLeader(roomOf(three)), heard)).toBeUndefined();
    const gone = roomOf(three, {}, { cedar: 60_000 });
    expect(keep(gone, () => 60_000)).toBeUndefined();
  });

  it('removes who is gone for longer than a reload takes, and nobody who is only frozen', () => {
    const gone = asLeader(roomOf(three, {}, { cedar: 9_000 }));
    expect(keep(gone, (name) => (name === 'cedar' ? 5_000 : 100))).toBeUndefined();
    expect(keep(gone, (name) => (name === 'cedar' ? 9_000 : 100))).toEqual({ type: 'remove', member: 'cedar' });
    const frozen = asLeader(roomOf([three[0]!, three[1]!, tellOf('cedar', { isFrozen: true })], {}, { cedar: 9_000 }));
    expect(keep(frozen, () => 9_000)).toBeUndefined();
  });

  it('promotes who stands by and is visible, up to five', () => {
    const learner = tellOf('dill');
    const told = three.map((tell) => ({ ...tell, learners: ['dill'] }));
    expect(keep(asLeader(roomOf([...told, learner])), heard)).toEqual({ type: 'promote', member: 'dill' });
    expect(keep(asLeader(roomOf([...told, tellOf('dill', { isVisible: false })])), heard)).toBeUndefined();
    const five = ['ash', 'birch', 'cedar', 'elm', 'fir'];
    const full = [...five.map((name) => tellOf(name, { voters: five, learners: ['dill'] })), learner];
    expect(keep(asLeader(roomOf(full)), heard)).toBeUndefined();
  });

  it('adopts a voter whose tab is closed when there is no majority, in one tab only, and lets it go again', () => {
    const two = ['birch', 'cedar'].map((name) =>
      tellOf(name, { role: 'follower', voters: ['birch', 'cedar'], leader: undefined }),
    );
    const lost = roomOf(two, {}, { cedar: 5_000 });
    expect(keep(lost, (name) => (name === 'cedar' ? 5_000 : 100))).toEqual({ type: 'adopt', member: 'cedar' });
    expect(keep({ ...lost, adoptable: [] }, () => 5_000)).toBeUndefined();
    const guest = [
      { ...two[0]!, role: 'leader' as const },
      { ...two[1]!, isGuest: true },
    ];
    expect(keep(roomOf(guest), heard)).toEqual({ type: 'remove', member: 'cedar' });
  });
});

describe('what was told', () => {
  it('counts the silence of who never spoke from when it was first asked about', async () => {
    const told = new Told();
    expect(told.silence('ash')).toBe(0);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(told.silence('ash')).toBeGreaterThan(0);
    told.take(tellOf('ash'));
    expect(told.silence('ash')).toBeLessThan(5);
    told.forget('ash');
    expect(told.has('ash')).toBe(false);
  });

  it('has messages between others, and leaves out those that this tab sees itself', () => {
    const sent = [
      { to: 'birch', kind: 'heartbeat', count: 2, lost: 0 },
      { to: 'cedar', kind: 'entries', count: 3, lost: 1 },
    ] as const;
    expect(flightsOf(tellOf('ash', { sent }), 'birch')).toEqual([
      { from: 'ash', to: 'cedar', kind: 'entries', count: 3, isLost: true },
    ]);
  });
});

describe('an address', () => {
  const room = 'abcdefghjkmnpqrstuvw';
  it.each([
    ['', undefined],
    ['#board', undefined],
    ['#room', { type: 'landing' }],
    ['#/room', { type: 'landing' }],
    ['#/room/break-it', { type: 'break-it' }],
    ['#/room/replay', { type: 'replay' }],
    ['#/room/short', { type: 'landing' }],
    [`#/room/${room}`, { type: 'room', room, hints: [], invitation: undefined }],
    [`#/room/${room}/ash`, { type: 'room', room, hints: ['ash'], invitation: undefined }],
    [`#/room/${room}/invited/CODE`, { type: 'room', room, hints: [], invitation: 'CODE' }],
  ])('%s leads where it says', (hash, path) => {
    expect(parseRoomPath(hash)).toEqual(path);
  });
});

describe('the picture', () => {
  it('keeps every member, its timer and its label within the frame, and members apart', () => {
    for (let count = 1; count <= 7; count += 1) {
      const places = Array.from({ length: count }, (_, at) => placeOf(at, count, wideFrame));
      for (const { x, y } of places) {
        expect(x - wideFrame.radius).toBeGreaterThan(0);
        expect(x + wideFrame.radius).toBeLessThan(wideFrame.width);
        expect(y - wideFrame.radius - 6).toBeGreaterThanOrEqual(0);
        expect(y + wideFrame.radius + 24).toBeLessThanOrEqual(wideFrame.height);
      }
      for (const [at, a] of places.entries()) {
        for (const b of places.slice(at + 1))
          expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(2 * wideFrame.radius);
      }
    }
  });

  it('sends the two ways of a link past each other', () => {
    const [a, b] = [
      { x: 0, y: 0 },
      { x: 200, y: 0 },
    ];
    const [there, back] = [laneOf(a, b, 30), laneOf(b, a, 30)];
    expect(there[0].y).toBeCloseTo(-back[0].y);
    expect(there[0].x).toBeLessThan(there[1].x);
  });

  it('draws an arc that ends where the share says', () => {
    expect(arcPath(10, 0.25)).toMatch(/0 0 1 10\.00 0\.00$|0 0 1 10\.00 -0\.00$/);
    expect(arcPath(10, 0.75)).toContain(' 0 1 1 -10.00');
  });
});
