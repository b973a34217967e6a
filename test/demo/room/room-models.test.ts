// The room as the page shows it: the view out of the room's status and of what members tell, the words for it, addresses, and where things stand in the picture.
import type { RoomStatus, RoomTabStatus } from 'raftkv/room';
import { describe, expect, it } from 'vitest';
import { parseRoomPath } from '../../../demo/src/room/paths.ts';
import { notesBetween } from '../../../demo/src/room/source/room-notes.ts';
import { viewRoom } from '../../../demo/src/room/source/room-view.ts';
import type { RoomView, ViewSource } from '../../../demo/src/room/source/room-view.ts';
import { nameOf } from '../../../demo/src/room/source/tab-names.ts';
import type { Tell } from '../../../demo/src/room/source/tell.ts';
import { Told, flightsOf } from '../../../demo/src/room/source/told.ts';
import { arcPath, laneOf, nameSizeOf, narrowFrame, placeOf, wideFrame } from '../../../demo/src/room/view/geometry.ts';
import { adviseOnRoom, capital, companyOf, roleOf, waysWords } from '../../../demo/src/room/view/words.ts';

const healthy = { lossPercent: 0, delayMilliseconds: 0, cut: new Set<string>(), frozenUntil: undefined };
const [ash, birch, cedar, dill] = ['a', 'b', 'c', 'd'].map(nameOf) as [string, string, string, string];

/** Of the tab with this word; that of `a` leads. */
function tellOf(from: string, changes: Partial<Tell> = {}): Tell {
  return {
    type: 'tell',
    from,
    domain: 'this browser',
    role: from === 'a' ? 'leader' : 'follower',
    term: 3,
    leader: 'a',
    commitIndex: 20,
    appliedIndex: 20,
    persistedIndex: 20,
    lastIndex: 20,
    tail: [3, 3],
    silentTicks: 1,
    isVisible: true,
    isFrozen: false,
    links: [{ to: 'a', kind: 'WebRTC' }],
    sent: [],
    ...changes,
  };
}

function tabOf(word: string, changes: Partial<RoomTabStatus> = {}): RoomTabStatus {
  return {
    word,
    isSelf: word === 'b',
    isHere: true,
    kind: 'tab',
    domain: 'this browser',
    role: 'voter',
    isLeader: word === 'a',
    isVisible: true,
    isEphemeral: false,
    path: 'direct',
    ...changes,
  };
}

function statusOf(tabs: readonly RoomTabStatus[], changes: Partial<RoomStatus> = {}): RoomStatus {
  const voting = tabs.filter(({ role }) => role === 'voter');
  const votersHere = voting.filter(({ isHere }) => isHere).length;
  const needed = Math.floor(voting.length / 2) + 1;
  const state = votersHere < needed ? 'lost' : tabs.some(({ isLeader }) => isLeader) ? 'works' : 'electing';
  return {
    name: 'room',
    phase: 'open',
    clusterId: 'c',
    epoch: 1,
    self: tabs.find(({ isSelf }) => isSelf)!,
    tabs,
    quorum: { state, voters: voting.length, votersHere, needed, words: '', knowsMost: undefined, isChanging: false },
    storage: { kind: 'memory', why: 'asked', error: undefined, words: 'It keeps nothing.' },
    departure: undefined,
    warnings: [],
    supersededBy: undefined,
    others: [],
    error: undefined,
    ...changes,
  };
}

/** As the tab of `b` has it. `ages`: how long ago each told something. */
function roomOf(
  tabs: readonly RoomTabStatus[] = three,
  tells: readonly Tell[] = tabs.map(({ word }) => tellOf(word)),
  changes: Partial<ViewSource> = {},
  ages: Record<string, number> = {},
): RoomView {
  return viewRoom({
    phase: 'running',
    problem: undefined,
    link: 'http://h/#raftkv-room=1.room.secret',
    status: statusOf(tabs),
    kept: undefined,
    tells: new Map(tells.map((tell) => [tell.from, { tell, at: 100_000 - (ages[tell.from] ?? 100) }])),
    cut: new Set(),
    now: 100_000,
    ...changes,
  });
}
const three = [tabOf('a'), tabOf('b'), tabOf('c')];
const away = { isHere: false, isLeader: false, path: undefined };
const member = (view: RoomView, name: string) => view.members.find((each) => each.name === name)!;

describe('names', () => {
  it('are the same on every page, and of words that are alike not alike', () => {
    expect(nameOf('zZ5q')).toBe(nameOf('zZ5q'));
    const names = new Set(Array.from({ length: 100 }, (_, at) => nameOf(`word ${at}`)));
    expect(names.size).toBeGreaterThan(90);
    for (const name of names) expect(name).toMatch(/^[a-z]{3,8}-\d\d$/);
  });
});

describe('the view of a room', () => {
  it('knows who leads, who votes, and what else is to be known', () => {
    const view = roomOf();
    expect(view).toMatchObject({ leader: ash, role: 'follower', voters: 3, votersThere: 3, quorum: 'works' });
    expect(adviseOnRoom(view, healthy)).toMatchObject({ tone: 'good', title: 'You vote here' });
    const together = statusOf(three, { warnings: ['They can all fail together.'] });
    expect(adviseOnRoom(roomOf(three, [], { status: together }), healthy).text).toContain('fail together');
  });

  it('says who is missing when there is no majority, and that nothing is written', () => {
    const view = roomOf([tabOf('a', away), tabOf('b'), tabOf('c', away)], undefined, {}, { a: 10_000 });
    expect(view).toMatchObject({ votersThere: 1, quorum: 'lost', leader: undefined });
    expect(view.missing.toSorted()).toEqual([ash, cedar].toSorted());
    const { tone, title, text } = adviseOnRoom(view, healthy);
    expect([tone, title]).toEqual(['bad', 'No majority: reading only']);
    expect(text).toContain('1 of 3 voters are here, and 2 must agree. Everything can be read, nothing can be written');
    expect(text).toContain(`Open a tab of ${view.missing.join(' or ')} again, or go on without them.`);
    const one = roomOf([tabOf('b'), tabOf('c', away)]);
    expect(adviseOnRoom(one, healthy).text).toContain(`Open the tab of ${cedar} again`);
  });

  it('says how many writes wait when there is no majority', () => {
    const lost = [tabOf('a', away), tabOf('b'), tabOf('c', away)];
    const textOf = (waiting: number) => adviseOnRoom(roomOf(lost, undefined, { kept: { waiting } }), healthy).text;
    expect(textOf(0)).toContain('What you write waits in this browser. Open');
    expect(textOf(1)).toContain('One write waits in this browser. Open');
    expect(textOf(3)).toContain('3 writes wait in this browser. Open');
  });

  it('says what stands after leaving, and what becomes of what is kept', () => {
    const left = (departure: RoomStatus['departure'], waiting = 0) =>
      roomOf(three, [], { phase: 'left', status: statusOf(three, { departure }), kept: { waiting } });
    const gone = adviseOnRoom(left({ state: 'gone', words: 'This tab keeps nothing.' }), healthy);
    expect(gone).toEqual({
      tone: 'plain',
      title: 'You left the room',
      text: 'This tab keeps nothing.',
    });
    const owed = adviseOnRoom(left({ state: 'owed', words: 'It is a member as before.' }, 2), healthy);
    expect(owed).toEqual({
      tone: 'warn',
      title: 'You left, and are still a member',
      text: 'It is a member as before. 2 writes wait in this browser for when it is opened again.',
    });
    expect(adviseOnRoom(left({ state: 'last', words: 'It is kept.' }), healthy).text).toBe('It is kept.');
    const storage = { ...statusOf(three).storage, words: 'It may be cleared.' };
    expect(roomOf(three, [], { status: statusOf(three, { storage }) }).keeping).toBe('It may be cleared.');
  });

  it('sends who would go on to the tab that may know more, and tells what becomes of what was not agreed', () => {
    const lost = [tabOf('a', away), tabOf('b'), tabOf('c'), tabOf('d', away), tabOf('e', away)];
    const knowing = (knowsMost: string | undefined): RoomView => {
      const status = statusOf(lost);
      return roomOf(lost, undefined, { status: { ...status, quorum: { ...status.quorum, knowsMost } } });
    };
    const behind = knowing('c');
    expect(behind).toMatchObject({ quorum: 'lost', knowsMore: cedar, isMember: true });
    expect(adviseOnRoom(behind, healthy).text).toContain(`or go on without them, from ${cedar}.`);
    expect(waysWords(behind)).toMatchObject({ offer: 'Go on from here all the same …' });
    expect(waysWords(behind).text).toContain(`${capital(cedar)} may know more than this tab`);
    expect(waysWords(behind).confirmation).toContain(cedar);
    for (const most of [knowing('b'), knowing(undefined)]) {
      expect(most.knowsMore).toBeUndefined();
      expect(adviseOnRoom(most, healthy).text).not.toContain('from ');
      expect(waysWords(most).offer).toBe('Go on from here …');
      expect(waysWords(most).text).toContain('writes that were not agreed yet');
    }
    expect(roomOf([tabOf('a'), tabOf('b', { role: 'learner' })]).isMember).toBe(true);
    expect(roomOf([tabOf('a'), tabOf('b', { role: 'observer' })]).isMember).toBe(false);
  });

  it('does not count a member that is frozen, and says so of itself', () => {
    const view = roomOf(three, [tellOf('a'), tellOf('b'), tellOf('c', { isFrozen: true })]);
    expect(view.votersThere).toBe(2);
    expect(roleOf(member(view, cedar), ash)).toBe('frozen');
    expect(adviseOnRoom(view, { ...healthy, frozenUntil: 5 }).title).toBe('This tab is frozen');
  });

  it('believes the later term of two that say they lead', () => {
    const two = [tabOf('a'), tabOf('b'), tabOf('c', { isLeader: true })];
    const view = roomOf(two, [tellOf('a'), tellOf('b'), tellOf('c', { role: 'leader', term: 2 })]);
    expect(view.leader).toBe(ash);
    expect(roleOf(member(view, cedar), ash)).toBe('still leads');
  });

  it('tells learners and those that read along from voters', () => {
    const view = roomOf([...three, tabOf('d', { role: 'observer' })]);
    expect(view.voters).toBe(3);
    expect(roleOf(member(view, dill), ash)).toBe('reads along');
    const learning = roomOf([...three, tabOf('d', { role: 'learner' })]);
    expect(roleOf(member(learning, dill), ash)).toBe('learns');
  });

  it('shows a link as its ends have it, and as cut where this tab has cut it', () => {
    const linkOf = (view: RoomView) => view.links.find(({ a, b }) => [a, b].includes(ash) && [a, b].includes(birch));
    expect(linkOf(roomOf())).toMatchObject({ kind: 'WebRTC', isCut: false });
    const cut = roomOf([tabOf('a', away), tabOf('b'), tabOf('c')], undefined, { cut: new Set([ash]) });
    // It is heard of all the same: pages tell each other beside the room.
    expect(cut.leader).toBe(ash);
    expect(linkOf(cut)).toMatchObject({ kind: undefined, isCut: true });
  });

  it('says what is broken on purpose', () => {
    const faults = { ...healthy, lossPercent: 20, cut: new Set([ash]) };
    expect(adviseOnRoom({ ...roomOf(), quorum: 'electing', leader: undefined }, faults).text).toContain('Nobody leads');
    expect(adviseOnRoom(roomOf(), faults).text).toContain(`The link to ${ash} is cut, 20 % of the messages are lost`);
  });

  it('looks for the others before it says that nobody is here', () => {
    const seeking = {
      quorum: {
        state: 'seeking',
        voters: 0,
        votersHere: 0,
        needed: 0,
        words: '',
        knowsMost: undefined,
        isChanging: false,
      },
    } as const;
    const alone = [tabOf('b', { role: 'observer' })];
    expect(roomOf(alone, [], { status: statusOf(alone, seeking) }).phase).toBe('alone');
    const others = [...alone, tabOf('d', { role: 'observer' })];
    expect(roomOf(others, [], { status: statusOf(others, seeking) }).phase).toBe('joining');
  });

  it.each<[string, Partial<RoomView>, string]>([
    ['opening', { phase: 'opening' }, 'Opening'],
    ['joining', { phase: 'joining' }, 'Joining'],
    ['alone', { phase: 'alone' }, 'Nobody is here'],
    ['failed', { phase: 'failed', problem: 'the disk is full' }, 'This tab is not in the room'],
    ['left', { phase: 'left' }, 'You left the room'],
    ['an election', { leader: undefined }, 'An election is under way'],
    ['leading', { role: 'leader' }, 'You lead'],
    ['leading nobody else', { role: 'leader', voters: 1, votersThere: 1 }, 'You lead, alone so far'],
    ['reading along', { isVoter: false }, 'You read along'],
    ['a room that went on', { isSuperseded: true }, 'The room went on without this tab'],
  ])('has words for %s', (_, changes, title) => {
    expect(adviseOnRoom({ ...roomOf(), ...changes }, healthy).title).toBe(title);
  });
});

describe('the notes', () => {
  const textsOf = (before: RoomView, after: RoomView): string[] => notesBetween(before, after).map(({ text }) => text);
  const [Ash, Birch, Cedar, Dill] = [ash, birch, cedar, dill].map(capital);

  it('tell who came, went, was there again, votes and leads', () => {
    const before = roomOf();
    expect(textsOf(before, before)).toEqual([]);
    const gone = roomOf([tabOf('a', away), tabOf('b'), tabOf('c', away)]);
    expect(textsOf(before, gone).toSorted()).toEqual(
      [`${Ash} is not here`, `${Cedar} is not here`, 'No majority: 1 of 3 voters are here'].toSorted(),
    );
    expect(textsOf(gone, before)).toEqual(expect.arrayContaining([`${Ash} is back`, `${Cedar} is back`]));
    const led = [tabOf('b', { isLeader: true }), tabOf('d')];
    const after = roomOf(led, [tellOf('b', { role: 'leader', term: 4 }), tellOf('d')]);
    expect(textsOf(before, after).toSorted()).toEqual(
      [
        `${Dill} is let in`,
        `${Ash} is no member any more`,
        `${Cedar} is no member any more`,
        `${Birch} leads in term 4`,
      ].toSorted(),
    );
    // Of a room that this tab has left it sees nothing.
    expect(textsOf(before, roomOf(led, [], { phase: 'left' }))).toEqual([]);
    const superseded = statusOf(three, { supersededBy: { clusterId: 'd', epoch: 2 } });
    expect(textsOf(before, roomOf(three, undefined, { status: superseded }))).toEqual([
      'The room went on without this tab',
    ]);
  });

  it('name a term once it is known, and no other one before', () => {
    const nobody = roomOf([tabOf('b')], []);
    const led = [tabOf('b', { isLeader: true })];
    const unknown = roomOf(led, []);
    expect(textsOf(nobody, unknown)).toEqual([]);
    const known = roomOf(led, [tellOf('b', { role: 'leader', term: 1 })]);
    expect(textsOf(unknown, known)).toEqual([`${Birch} leads in term 1`]);
  });
});

describe('what was told', () => {
  it('knows for how long somebody has been silent', () => {
    const told = new Told();
    expect(told.silence('a')).toBe(Infinity);
    told.take(tellOf('a'));
    expect(told.silence('a')).toBeLessThan(1_000);
    told.forget('a');
    expect(told.silence('a')).toBe(Infinity);
  });

  it('has messages between others, and leaves out those that this tab sees itself', () => {
    const sent = [
      { to: 'b', kind: 'heartbeat', count: 2, lost: 0 },
      { to: 'c', kind: 'entries', count: 3, lost: 1 },
    ] as const;
    expect(flightsOf(tellOf('a', { sent }), 'b')).toEqual([
      { from: ash, to: cedar, kind: 'entries', count: 3, isLost: true },
    ]);
  });
});

describe('an address', () => {
  const link = 'raftkv-room=1.room.0123456789abcdefABCDE_';
  it.each([
    ['', undefined],
    ['#board', undefined],
    ['#room', { type: 'landing' }],
    ['#/room', { type: 'landing' }],
    ['#/room/new', { type: 'new' }],
    ['#/room/break-it', { type: 'break-it' }],
    ['#/room/replay', { type: 'replay' }],
    ['#/room/short', { type: 'landing' }],
    ['#/room/raftkv-room=1.room.short', { type: 'landing' }],
    [`#/room/${link}`, { type: 'room', link, invitation: undefined }],
    [`#/room/${link}/invited/CODE`, { type: 'room', link, invitation: 'CODE' }],
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

  it('writes a name no wider than its circle, and a short one no larger than others', () => {
    expect(nameSizeOf('ash', narrowFrame.radius)).toBe(13);
    for (const name of ['linden', 'myrtle 2', 'laurel 12', 'sycamore 12']) {
      const width = nameSizeOf(name, narrowFrame.radius) * name.length * 0.6;
      expect(width).toBeLessThan(2 * narrowFrame.radius);
      expect(nameSizeOf(name, narrowFrame.radius)).toBeGreaterThan(7);
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

it('who else is there are tabs of this browser and tabs of other browsers, however they came in', () => {
  const seat = (domain: string | undefined, isSelf = false) => ({
    isSelf,
    isThere: true,
    tell: domain === undefined ? undefined : tellOf('x', { domain }),
  });
  const self = seat('this browser', true);
  expect(companyOf([self, seat(undefined)])).toBe('');
  expect(companyOf([self, seat('this browser')])).toBe('1 other tab of this browser is here.');
  expect(companyOf([self, seat('p2'), seat('p2'), { ...seat('p3'), isThere: false }])).toBe(
    '2 tabs of 1 other browser are here.',
  );
  const all = [self, seat('this browser'), seat('this browser'), seat('p2'), seat('p3')];
  expect(companyOf(all)).toBe('2 other tabs of this browser and 2 tabs of 2 other browsers are here.');
});
