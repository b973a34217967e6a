// The small models of the page: cards, cities, traffic, the ring that shows it, and the list of a tab's own writes.
import fc from 'fast-check';
import { RaftkvError } from 'raftkv';
import type { Write, WriteState } from '@raftkv/client';
import { LiveValue } from '@raftkv/client/live';
import { describe, expect, it } from 'vitest';
import { byLane, isCard, neighbourLane, newCardKey, rankAfter } from '../../demo/src/board/card-model.ts';
import type { Card } from '../../demo/src/board/card-model.ts';
import { formatPlace, isCity, plainName, rangeOf, stretchOf } from '../../demo/src/cities/city-model.ts';
import { dotsPerSecond, frame, laneOf, lineWidth, memberRadius, placeOf } from '../../demo/src/cluster/ring.ts';
import { flowsBetween, readSentCounts } from '../../demo/src/model/traffic.ts';
import { describeFound } from '../../demo/src/board/found-write.ts';
import { WriteLog, isSettled, writesToShow } from '../../demo/src/model/write-log.ts';

const card = (more: Partial<Card> = {}): Card => ({ title: 't', lane: 'todo', rank: 1, by: 'Ash', hue: 1, ...more });
const row = (key: string, value: unknown) => ({
  key,
  value,
  revision: 1,
  createRevision: 1,
  version: 1,
  isPending: false,
});

describe('the board', () => {
  it('sorts cards into lanes by rank, and leaves out what is none', () => {
    const rows = [
      row('board/b', card({ rank: 2 })),
      row('board/a', card({ rank: 2 })),
      row('board/c', card({ rank: 1 })),
      row('board/d', card({ lane: 'done' })),
      ...[null, 'text', 7, {}, card({ lane: 'nowhere' as Card['lane'] }), { ...card(), title: 7 }].map((value, at) =>
        row(`board/x${at}`, value),
      ),
    ];
    const lanes = byLane(rows);
    expect(lanes.todo.map(({ key }) => key)).toEqual(['board/c', 'board/a', 'board/b']);
    expect([lanes.doing.length, lanes.done.length]).toEqual([0, 1]);
    expect(rankAfter(lanes.todo)).toBe(3);
    expect(rankAfter([])).toBe(1);
  });

  it('takes any value without a throw', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => typeof isCard(value) === 'boolean' && typeof isCity(value) === 'boolean'),
    );
  });

  it('gives later cards later keys', () => {
    expect(newCardKey(1_700_000_000_000, 0.999) < newCardKey(1_700_000_000_001, 0)).toBe(true);
    expect(newCardKey(1_700_000_000_000, 0)).toMatch(/^board\/[a-z0-9]+-0000$/);
    expect([neighbourLane('todo', -1), neighbourLane('todo', 1), neighbourLane('done', 1)]).toEqual([
      undefined,
      'doing',
      undefined,
    ]);
  });
});

describe('the search for cities', () => {
  it('looks where the import has put them', () => {
    // The same as the test of the import expects.
    const imported = {
      'São Paulo': 'sao paulo',
      ' ÉTAMPES': 'etampes',
      Șipotu: 'sipotu',
      'Aleg/Moudjéria': 'aleg moudjeria',
    };
    for (const [name, plain] of Object.entries(imported)) {
      expect(plainName(name)).toBe(plain);
      expect(rangeOf(name).prefix).toBe(`city/${plain}`);
    }
    expect(rangeOf('new ').prefix).toBe('city/new ');
    expect(rangeOf('  ').prefix).toBe('city/');
  });

  it('finds the stretch of keys of a prefix, as looking at each would', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '/'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(word), word, (words, prefix) => {
        const keys = [...new Set(words)].sort();
        const [from, to] = stretchOf({ keys, degrees: new Float32Array(0) }, prefix);
        expect(keys.slice(from, to)).toEqual(keys.filter((key) => key.startsWith(prefix)));
      }),
    );
  });

  it('writes places as people do', () => {
    expect(formatPlace([-43.18223, -22.90642])).toBe('22.9064° S, 43.1822° W');
    expect(formatPlace([2.3488, 48.85341])).toBe('48.8534° N, 2.3488° E');
  });
});

describe('traffic', () => {
  const metrics = `# TYPE raftkv_peer_sent_messages_total counter
raftkv_peer_sent_messages_total{peer="node2"} 120
raftkv_peer_sent_messages_total{peer="node3"} 7
raftkv_peer_sent_bytes_total{peer="node2"} 5000
raftkv_peer_received_bytes_total{peer="node2"} 9999
raftkv_term 4
`;

  it('is read from a member’s counters, whatever else stands there', () => {
    expect([...readSentCounts(metrics)]).toEqual([
      ['node2', { messages: 120, bytes: 5000 }],
      ['node3', { messages: 7, bytes: 0 }],
    ]);
    expect(readSentCounts('<html>').size).toBe(0);
  });

  it('is what was added since, and begins anew with a member', () => {
    const before = new Map([['node1', readSentCounts(metrics)]]);
    const later = new Map([
      [
        'node1',
        new Map([
          ['node2', { messages: 20, bytes: 400 }],
          ['node3', { messages: 17, bytes: 100 }],
        ]),
      ],
      ['node2', new Map([['node1', { messages: 5, bytes: 5 }]])],
    ]);
    expect(flowsBetween(before, later, 2)).toEqual([
      { from: 'node1', to: 'node2', messagesPerSecond: 10, bytesPerSecond: 200 },
      { from: 'node1', to: 'node3', messagesPerSecond: 5, bytesPerSecond: 50 },
    ]);
    expect(flowsBetween(before, later, 0)).toEqual([]);
  });

  it('is drawn within the frame, however many members there are', () => {
    for (let count = 1; count <= 9; count++) {
      for (let at = 0; at < count; at++) {
        const { x, y } = placeOf(at, count);
        expect(x - memberRadius).toBeGreaterThanOrEqual(0);
        expect(x + memberRadius).toBeLessThanOrEqual(frame.width);
        expect(y - memberRadius).toBeGreaterThanOrEqual(0);
        expect(y + memberRadius).toBeLessThanOrEqual(frame.height);
      }
    }
    const [from, to] = laneOf({ x: 0, y: 0 }, { x: 100, y: 0 });
    const [back] = laneOf({ x: 100, y: 0 }, { x: 0, y: 0 });
    expect([from.x, to.x]).toEqual([memberRadius, 100 - memberRadius]);
    expect(Math.sign(from.y)).toBe(-Math.sign(back.y));
    expect([dotsPerSecond(3), dotsPerSecond(1e6) <= 20, lineWidth(1e9) <= 7]).toEqual([3, true, true]);
  });
});

describe('the list of own writes', () => {
  const state = (status: WriteState['status'], revision?: number): WriteState => ({
    status,
    error: undefined,
    revision,
  });
  const writeOf = (live: LiveValue<WriteState>) => ({
    id: 1,
    keys: ['k'],
    state: live,
    committed: new Promise<never>(() => undefined),
  });

  it('follows each to its end, and says how long that took', () => {
    let now = 100;
    const log = new WriteLog(() => now);
    const live = new LiveValue<WriteState>(state('local'));
    log.follow('Add', writeOf(live));
    expect(log.getSnapshot()).toMatchObject([{ text: 'Add', key: 'k', milliseconds: undefined }]);
    live.set(state('sent'));
    now = 140;
    live.set(state('committed', 7));
    now = 999;
    expect(log.getSnapshot()).toMatchObject([{ state: { status: 'committed', revision: 7 }, milliseconds: 40 }]);
    expect([isSettled(state('local')), isSettled(state('unknown'))]).toEqual([false, true]);
  });

  it('holds the last ones, newest first', () => {
    const log = new WriteLog(() => 0);
    for (let number = 0; number < 50; number++) log.follow(`Write ${number}`, writeOf(new LiveValue(state('local'))));
    expect(log.getSnapshot().length).toBe(30);
    expect(log.getSnapshot()[0]!.text).toBe('Write 49');
  });

  it('takes in those that an earlier life of the page has left, each once', () => {
    const log = new WriteLog(() => 0);
    const [own, found, later] = [1, 2, 3].map(() => writeOf(new LiveValue(state('local'))));
    const all = new LiveValue<readonly Write<unknown>[]>([found!]);
    log.adopt(all, () => 'Found');
    log.follow('Own', own!);
    all.set([found!, own!]);
    all.set([found!, own!, later!]);
    expect(log.getSnapshot().map(({ text }) => text)).toEqual(['Found', 'Own', 'Found']);
  });

  it('shows first what somebody has to decide, however old, until that is done', () => {
    const log = new WriteLog(() => 0);
    const error = new RaftkvError('condition_failed', 'x');
    const live = new LiveValue<WriteState>({ ...state('local'), kept: true });
    const write = writeOf(live);
    log.follow('Kept', write);
    log.follow('Not kept', writeOf(new LiveValue<WriteState>({ ...state('refused'), error })));
    live.set({ status: 'refused', error, revision: undefined, kept: true });
    for (let number = 0; number < 50; number++) log.follow('Later', writeOf(new LiveValue(state('local'))));
    const shown = writesToShow(log.getSnapshot());
    expect(shown.map(({ text }) => text)).toEqual(['Kept', 'Later', 'Later', 'Later', 'Later']);
    expect(shown[0]!.undecided).toBe(write);
    log.decided(write);
    expect(writesToShow(log.getSnapshot()).some(({ undecided }) => undecided !== undefined)).toBe(false);
  });
});

it('says of a write that was found what the board shows under its keys', () => {
  const rows: Readonly<Record<string, unknown>> = {
    a: { title: 'Milk', lane: 'todo', rank: 1, by: 'Ann', hue: 1 },
    b: 'no card',
  };
  const get = (key: string) => new LiveValue({ data: { value: rows[key] } });
  const kv = { live: { get } } as unknown as Parameters<typeof describeFound>[0];
  const found = (...keys: string[]) => describeFound(kv, { keys } as unknown as Write<unknown>);
  expect([found('a'), found('b'), found('a', 'b')]).toEqual([
    'Change “Milk”, made earlier',
    'Change the board, made earlier',
    'Change the board, made earlier',
  ]);
});
