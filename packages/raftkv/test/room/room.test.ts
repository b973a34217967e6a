// Rooms of tabs in one process: found, joined, left in order and out of order, hidden, cut off, all closed and opened again.
import { RaftkvError } from '@raftkv/wire';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { votersWanted } from '../../src/room/room-policy.ts';
import { openPages, quorum, settled, voters, within, wordsOf } from './room-acts.ts';
import { Profile, Stage, clock } from './room-stage.ts';
import type { Page } from './room-stage.ts';

let stage = new Stage();
afterEach(async () => {
  await stage.close();
  stage = new Stage();
});

vi.setConfig({ testTimeout: 120_000 });
const open = (count: number): Promise<Page[]> => openPages(stage, count);

describe('a room', () => {
  it('of one works at once, and others who join vote when they have been there for a while', async () => {
    const a = await stage.create();
    await settled([a]);
    await a.room.kv.put('x', 1);
    expect(quorum(a).words).toBe('1 of 1 voter is there: the room works for as long as that tab is there.');
    const b = await stage.enter(new Profile('p2'));
    const c = await stage.enter(new Profile('p3'));
    expect(await b.room.kv.get('x')).toBe(1);
    await settled([a, b, c]);
    await c.room.kv.put('x', 2);
    expect(await a.room.kv.get('x')).toBe(2);
    expect(quorum(b).words).toBe('3 of 3 voters are there: the room works, and goes on if one of them fails.');
    const d = await stage.enter(new Profile('p4'));
    await settled([a, b, c, d], [a, b, c]);
    expect(await d.room.kv.get('x')).toBe(2);
  });

  it('goes on while tabs leave in order, one after another, down to one', async () => {
    const pages = await open(5);
    await settled(pages);
    const [first] = pages;
    await first!.room.kv.put('n', 0);
    for (let left = 5; left > 1; left -= 1) {
      // The leader among them, at times.
      const going = pages.findIndex(({ room }) => room.status.getSnapshot().self.isLeader === (left % 2 === 0));
      const [page] = pages.splice(going, 1);
      await page!.room.leave();
      stage.gone(page!);
      await settled(
        pages,
        left - 1 === 4 ? pages.filter(({ room }) => room.status.getSnapshot().self.role === 'voter') : pages,
      );
      await pages[0]!.room.kv.put('n', left);
    }
    expect(await pages[0]!.room.kv.get('n')).toBe(2);
  });

  it('goes on while pages are closed without any time, one after another, down to one', async () => {
    const pages = await open(5);
    await settled(pages);
    for (let left = 5; left > 1; left -= 1) {
      await pages[0]!.room.kv.put('n', left);
      const going = pages.findIndex(({ room }) => room.status.getSnapshot().self.isLeader === (left % 2 === 0));
      const [page] = pages.splice(going, 1);
      page!.close();
      await vi.waitFor(() => {
        for (const { room } of pages) {
          const status = room.status.getSnapshot();
          expect(status.quorum.state).toBe('works');
          // Whoever alone votes cannot leave without any time: others are let in first.
          expect(status.quorum.voters).toBe(votersWanted(pages.length));
          expect(
            status.tabs.some(({ role, isHere, word }) => role !== 'observer' && (!isHere || word === page!.room.word)),
          ).toBe(false);
        }
      }, within);
    }
    const [last] = pages;
    expect(await last!.room.kv.get('n')).toBe(2);
    await last!.room.kv.put('n', 1);
    expect(voters(last!)).toEqual([last!.room.word]);
  });

  it('goes on when its leader crashes, and takes the tab back as a new member if it was replaced meanwhile', async () => {
    const pages = await open(4);
    await vi.waitFor(() => expect(voters(pages[0]!)).toHaveLength(3), within);
    await pages[0]!.room.kv.put('x', 'before');
    const at = pages.findIndex(({ room }) => room.status.getSnapshot().self.isLeader);
    const [leader] = pages.splice(at, 1);
    leader!.crash();
    await settled(pages);
    await pages[0]!.room.kv.put('x', 'after');
    const back = await stage.enter(leader!.profile);
    expect(await back.room.kv.get('x')).toBe('after');
    await vi.waitFor(() => expect(back.room.status.getSnapshot().self.role).toBe('observer'), within);
    expect(back.room.status.getSnapshot().error).toBeUndefined();
    expect(back.profile.rooms.values().next().value!.size).toBe(0);
  });

  it('tells one that was removed long ago, though whom it knew are other members by now, in the same tabs', async () => {
    const [a, b, d] = (await open(3)) as [Page, Page, Page];
    await settled([a, b, d]);
    d.crash();
    await settled([a, b]);
    const f = await stage.enter(new Profile('p4'));
    await settled([a, b, f]);
    for (const again of [b, a]) {
      const former = again.memberId;
      again.cut();
      await settled([a, b, f].filter((page) => page !== again));
      again.mend();
      await vi.waitFor(() => expect(again.memberId).not.toBe(former), within);
      await settled([a, b, f]);
    }
    const back = await stage.enter(d.profile);
    await vi.waitFor(() => expect(back.room.status.getSnapshot().self.role).toBe('observer'), within);
    expect(back.memberId).toBeUndefined();
    await settled([a, b, f, back], [a, b, f]);
  });

  it('comes back with the member whose log goes furthest, where a profile kept another that was removed since', async () => {
    const [a, b] = (await open(2)) as [Page, Page];
    await settled([a, b]);
    const heir = await stage.enter(a.profile);
    await settled([a, b, heir]);
    a.crash();
    await settled([b, heir]);
    await b.room.kv.put('x', 'kept');
    for (const page of [b, heir]) page.crash();
    const back = [await stage.enter(a.profile), await stage.enter(b.profile)];
    await settled(back);
    expect(await back[0]!.room.kv.get('x')).toBe('kept');
  });

  it('lets who was cut off come back to its place', async () => {
    const pages = await open(3);
    await settled(pages);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    const others = pages.filter((page) => page !== leader);
    await leader.room.kv.put('x', 1);
    leader.cut();
    await vi.waitFor(() => expect(quorum(leader).state).toBe('lost'), within);
    expect(quorum(leader).words).toContain('Only 1 of 3 voters is there, and 2 are needed: everything can be read');
    expect(await leader.room.kv.get('x', { level: 'local' })).toBe(1);
    await vi.waitFor(
      () => expect(others.some(({ room }) => room.status.getSnapshot().self.isLeader)).toBe(true),
      within,
    );
    await others[0]!.room.kv.put('x', 2);
    leader.mend();
    await vi.waitFor(async () => expect(await leader.room.kv.get('x')).toBe(2), within);
    await settled(pages);
  });

  it('gives the place of a voter that is hidden for long to a tab that is seen', async () => {
    const pages = await open(4);
    await vi.waitFor(() => expect(voters(pages[0]!)).toHaveLength(3), within);
    const hidden = pages.find(
      (page) => voters(page).includes(page.room.word) && !page.room.status.getSnapshot().self.isLeader,
    )!;
    hidden.show(false);
    await settled(
      pages,
      pages.filter((page) => page !== hidden),
    );
    // And leaves it there when that one is seen again.
    hidden.show(true);
    await new Promise((resolve) => void clock.schedule(() => resolve(undefined), 5_000));
    expect(voters(pages[0]!)).toEqual(wordsOf(pages.filter((page) => page !== hidden)));
  });

  it.each(['gone', 'frozen'] as const)('is led on at once when the page of its leader is %s', async (how) => {
    const electionTimeoutMilliseconds = 10_000;
    stage.options = { ...stage.options, electionTimeoutMilliseconds };
    const pages = await open(3);
    await settled(pages);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    const others = pages.filter((page) => page !== leader);
    await leader.room.kv.put('x', 1);
    await vi.waitFor(async () => expect(await others[0]!.room.kv.get('x', { level: 'local' })).toBe(1), within);
    await vi.waitFor(async () => expect(await others[1]!.room.kv.get('x', { level: 'local' })).toBe(1), within);
    const before = clock.now();
    leader.close(how);
    await vi.waitFor(() => {
      expect(others.some(({ room }) => room.status.getSnapshot().self.isLeader)).toBe(true);
    }, within);
    expect(clock.now() - before).toBeLessThan(electionTimeoutMilliseconds);
  });

  it('is handed to a tab that has only just come, when the only one that votes leaves', async () => {
    stage.options = { ...stage.options, policy: { ...stage.options.policy, stableMilliseconds: 1_000_000 } };
    const a = await stage.create();
    await settled([a]);
    await a.room.kv.put('x', 1);
    const b = await stage.enter(new Profile('p2'));
    expect(await b.room.kv.get('x')).toBe(1);
    await a.room.leave();
    stage.gone(a);
    await settled([b]);
    expect(await b.room.kv.get('x')).toBe(1);
    expect(a.profile.rooms.values().next().value!.size).toBe(0);
  });

  it('does not wait for a tab that cannot keep what a member has to', async () => {
    const full = new Profile('p2');
    full.isFull = true;
    const a = await stage.create();
    const b = await stage.enter(full);
    await settled([a]);
    await vi.waitFor(() => expect(b.room.status.getSnapshot().error).toMatchObject({ code: 'storage_full' }), within);
    const c = await stage.enter(new Profile('p3'));
    await settled([a, b, c], [a, c]);
    await c.room.kv.put('x', 1);
    expect(await b.room.kv.get('x')).toBe(1);
    full.isFull = false;
    await settled([a, b, c]);
  });

  it('is led by a hidden tab if there is no other one', async () => {
    const pages = await open(3);
    await settled(pages);
    for (const page of pages) page.show(false);
    const leader = pages.find(({ room }) => room.status.getSnapshot().self.isLeader)!;
    const [one, two] = pages.filter((page) => page !== leader) as [Page, Page];
    leader.crash();
    await vi.waitFor(() => {
      expect([one, two].some(({ room }) => room.status.getSnapshot().self.isLeader)).toBe(true);
    }, within);
    await one.room.kv.put('x', 1);
    expect(await two.room.kv.get('x')).toBe(1);
    // And hands over to one that is seen again.
    const isSeen = one.room.status.getSnapshot().self.isLeader ? two : one;
    isSeen.show(true);
    await vi.waitFor(() => expect(isSeen.room.status.getSnapshot().self.isLeader).toBe(true), within);
  });

  it('has its data when all tabs were closed, in order or not, and enough of them come back', async () => {
    const pages = await open(3);
    await settled(pages);
    await pages[1]!.room.kv.put('x', 'kept');
    for (const page of pages) page.crash();
    const [, b, c] = pages.map(({ profile }) => profile);
    const again = [await stage.enter(b!)];
    await vi.waitFor(() => expect(quorum(again[0]!).state).toBe('lost'), within);
    again.push(await stage.enter(c!));
    await vi.waitFor(async () => expect(await again[1]!.room.kv.get('x')).toBe('kept'), within);
    await again[0]!.room.kv.put('x', 'and changed');
    // The last one to leave keeps it.
    await settled(again);
    for (const page of again) await page.room.leave();
    const last = await stage.enter(again[1]!.profile);
    await vi.waitFor(async () => expect(await last.room.kv.get('x')).toBe('and changed'), within);
  });

  it.each(['room', 'incarnation'])(
    'sets what cannot be read aside, says so, and goes on as another member: the note "%s"',
    async (name) => {
      const pages = await open(3);
      await settled(pages);
      const [a, b, c] = pages as [Page, Page, Page];
      await a.room.kv.put('x', 1);
      const before = b.memberId;
      b.crash();
      const [stores] = b.profile.rooms.values();
      const [store] = stores!;
      const damaged = new TextEncoder().encode('no note');
      store!.notes.set(name, damaged);
      for (let time = 1; time <= 2; time += 1) {
        const back = await stage.enter(b.profile);
        if (time === 1) expect(back.room.status.getSnapshot().error).toMatchObject({ code: 'storage_corrupt' });
        await settled([a, back, c]);
        expect(back.memberId).not.toBe(before);
        const { error, warnings } = back.room.status.getSnapshot();
        expect(error).toBeUndefined();
        // A member is not opened, and so not found to be damaged, once there is one whose log goes further.
        const isMet = name === 'room' || time === 1;
        expect(warnings.filter((warning) => warning.includes('left as it is'))).toHaveLength(isMet ? 1 : 0);
        expect(await back.room.kv.get('x')).toBe(1);
        expect(store!.notes.get(name)).toBe(damaged);
        expect(stores).toContain(store);
        // The member that it is now is found again beside it, the next time.
        expect(stores!.size).toBe(2);
        back.crash();
      }
    },
  );

  it('sets a storage that the others found to be a copy aside, and goes on as another member', async () => {
    const pages = await open(3);
    await settled(pages);
    const [a, b, c] = pages as [Page, Page, Page];
    const [stores] = b.profile.rooms.values();
    const [store] = stores!;
    const before = b.memberId;
    // It is told while it runs, and notes that.
    b.slot!.onFailure!(new RaftkvError('member_superseded', 'it is a copy'));
    const note = JSON.parse(new TextDecoder().decode(store!.notes.get('incarnation'))) as object;
    const superseded = JSON.stringify({ ...note, superseded: 'it is a copy' });
    store!.notes.set('incarnation', new TextEncoder().encode(superseded));
    const said = 'it is a copy (member_superseded): it is left as it is, and this tab does without.';
    await vi.waitFor(() => expect(b.room.status.getSnapshot().warnings.join(' ')).toContain(said), within);
    await vi.waitFor(() => expect(b.memberId).toBeDefined(), within);
    await settled([a, b, c]);
    expect(b.memberId).not.toBe(before);
    expect([stores!.size, stores!.has(store!)]).toEqual([2, true]);
    b.crash();
    // The next start finds both.
    const back = await stage.enter(b.profile);
    await settled([a, back, c]);
    expect([stores!.size, stores!.has(store!)]).toEqual([2, true]);
  });

  it('sets a copy aside that is the only storage there is', async () => {
    const [a, b, c] = (await open(3)) as [Page, Page, Page];
    await settled([a, b, c]);
    b.crash();
    const [stores] = b.profile.rooms.values();
    const [store] = stores!;
    const note = JSON.parse(new TextDecoder().decode(store!.notes.get('incarnation'))) as object;
    const superseded = JSON.stringify({ ...note, superseded: 'it is a copy' });
    store!.notes.set('incarnation', new TextEncoder().encode(superseded));
    const back = await stage.enter(b.profile);
    expect(back.room.status.getSnapshot().warnings.join(' ')).toContain('it is a copy (member_superseded)');
    await settled([a, back, c]);
    expect([stores!.size, stores!.has(store!)]).toEqual([2, true]);
  });

  it.each(['found', 'join'])(
    'goes on as a member that keeps nothing where the storage fails, and says so: %s',
    async (how) => {
      const broken = new Profile('p1');
      broken.isBroken = true;
      const a = how === 'found' ? await stage.create(broken) : await stage.create(new Profile('p2'));
      const b = how === 'found' ? await stage.enter(new Profile('p2')) : await stage.enter(broken);
      await settled([a, b]);
      const [without, lasting] = how === 'found' ? [a, b] : [b, a];
      const status = without.room.status.getSnapshot();
      expect(status.storage).toMatchObject({ kind: 'memory', why: 'storage fails', error: { code: 'storage_failed' } });
      expect(status.warnings).toContain(status.storage.words);
      expect(status.self).toMatchObject({ role: 'voter', isEphemeral: true });
      expect(lasting.room.status.getSnapshot().storage).toMatchObject({ kind: 'persistent', why: undefined });
      expect(lasting.room.status.getSnapshot().warnings).not.toContain(status.storage.words);
    },
  );

  it('has new members at each start where nothing is kept', async () => {
    const a = await stage.create(new Profile('p1', { isEphemeral: true }));
    const b = await stage.enter(new Profile('p2', { isEphemeral: true }));
    const c = await stage.enter(new Profile('p3'));
    await settled([a, b, c]);
    await a.room.kv.put('x', 1);
    expect(a.room.status.getSnapshot().warnings).toContain(
      '2 of 3 voters keep nothing: what only they know ends with their tabs.',
    );
    const before = b.memberId;
    b.crash();
    const again = await stage.enter(b.profile);
    await settled([a, again, c]);
    expect(again.memberId).not.toBe(before);
    expect(await again.room.kv.get('x')).toBe(1);
  });
});
