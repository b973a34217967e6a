// The room as a stranger has it, on a static host: tabs find each other, elect a leader, go on when tabs are closed and broken, and two browsers are joined by
// an invitation. What else the page of a room does is in page-room-proofs.test.ts.
import { describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import {
  crash,
  judged,
  leaderOn,
  setRoomPages,
  splitLeader,
  stateLine,
  timeout,
  until,
  verdict,
  voters,
  wide,
} from './harness/room-pages.ts';

const room = setRoomPages();

const nameOf = async (page: Page): Promise<string> => (await page.locator('.seat.is-self .name').textContent())!;

describe('a room without a server', () => {
  it('is what a page on a static host opens with', async () => {
    const page = await room.visit('');
    await page.getByRole('button', { name: 'Make a room' }).waitFor({ timeout });
    expect(page.url()).toContain('#/room');
  });

  it('has one leader on all pages, checks what they do, and goes on as tabs are closed, down to one', async () => {
    await room.setContext(wide);
    const pages = await room.openRoom(3);
    await expect.poll(async () => new Set(await Promise.all(pages.map(leaderOn))).size, { timeout }).toBe(1);
    await pages[1]!.locator('.link-label', { hasText: 'BroadcastChannel' }).first().waitFor({ timeout });
    await pages[1]!.locator('.flights circle').first().waitFor({ state: 'attached', timeout });
    // Around each follower its timer; for each member the entries of its log, and how far it is agreed and applied.
    await expect.poll(() => pages[1]!.locator('.seat .timer').count(), { timeout }).toBe(2);
    await expect.poll(() => pages[1]!.locator('.log-row .cell.has-commit').count(), { timeout }).toBe(3);
    await expect.poll(() => pages[1]!.locator('.log-row .cell.has-applied').count(), { timeout }).toBe(3);
    await pages[1]!.locator('.log-strip .legend', { hasText: /term \d/ }).waitFor({ timeout });
    const { leader, others } = await splitLeader(pages);
    const closed = await nameOf(leader);
    await leader.close();
    for (const page of others) await until(page, /You lead|You vote here/);
    await expect.poll(() => leaderOn(others[0]!), { timeout }).not.toBe(closed);
    for (const page of others) await voters(page, '2 of 2 voters here');
    await others[0]!.close();
    const last = others[1]!;
    await voters(last, '1 of 1 voters here');
    await until(last, 'You lead');
    await last.locator('.events', { hasText: 'is no member any more' }).waitFor({ timeout });
    const before = await verdict(last);
    await judged(last, before.operations + 20);
    expect((await verdict(last)).violations).toBe(0);
    await last.locator('.check-panel', { hasText: 'What tabs of this browser did.' }).waitFor();
    expect(room.complaints).toEqual([]);
  });

  it('keeps its data while every tab is closed', async () => {
    const pages = await room.openRoom(3);
    await judged(pages[0]!, 20);
    const link = new URL(pages[0]!.url()).hash;
    const committed = async (page: Page) =>
      Number(
        /([\d,]+) committed/
          .exec((await page.locator('.ring-panel .panel-head').textContent())!)![1]!
          .replaceAll(',', ''),
      );
    const before = await committed(pages[0]!);
    expect(before).toBeGreaterThan(10);
    for (const page of pages) await page.close();
    const again = [await room.visit(link), await room.visit(link)];
    for (const page of again) await until(page, /You lead|You vote here/);
    // Who does not lead is told how far it is agreed.
    await expect.poll(() => committed(again[0]!), { timeout }).toBeGreaterThanOrEqual(before);
    // What the tabs wrote in their earlier life is found, and is no violation.
    for (const page of again) {
      await judged(page, 20);
      expect(await page.locator('.proof').allTextContents()).toEqual([]);
    }
  });
});

describe('a room without its majority', () => {
  it('is read, says so, and goes on from here when somebody says so twice; who comes back is told', async () => {
    const pages = await room.openRoom(3);
    const [left, ...others] = pages as [Page, Page, Page];
    await judged(left, 20);
    const link = new URL(left.url()).hash;
    // Nobody hears a word of their ends.
    await Promise.all(others.map(crash));
    await until(left, 'No majority: reading only');
    expect(await stateLine(left).textContent()).toContain('Everything can be read, nothing can be written');
    await left.getByRole('button', { name: /Go on from here/ }).click();
    await left.getByRole('button', { name: 'Go on without them' }).click();
    await until(left, 'You lead');
    await left.locator('.ring-panel', { hasText: 'epoch 2' }).waitFor({ timeout });
    const before = await verdict(left);
    await judged(left, before.operations + 1);
    const back = await room.visit(link);
    await until(back, 'The room went on without this tab');
    await back.getByRole('button', { name: 'What only this tab has' }).click();
    await back.getByRole('link', { name: 'Save it' }).waitFor({ timeout });
    await back.getByRole('button', { name: 'Forget it and join the room' }).click();
    for (const page of [left, back]) await voters(page, '2 of 2 voters here');
    await back.getByRole('button', { name: 'Leave the room' }).click();
    await until(back, 'You left the room');
    await voters(left, '1 of 1 voters here');
    expect((await verdict(left)).violations).toBe(0);
  });
});

describe('a room without its majority, with two tabs left', () => {
  it('goes on from one of them, and the page of the one that is behind says which; who is refused stays in its room', async () => {
    const pages = await room.openRoom(5);
    const { leader, others } = await splitLeader(pages);
    const [behind, ahead, ...rest] = others as [Page, Page, ...Page[]];
    for (const link of await behind.locator('.cuts label').all()) await link.click();
    await until(behind, 'No majority: reading only');
    const before = await verdict(ahead);
    await judged(ahead, before.operations + 20);
    await Promise.all([leader, ...rest].map(crash));
    await until(ahead, 'No majority: reading only');
    await behind.getByRole('button', { name: 'Heal all' }).click();
    const more = await nameOf(ahead);
    await behind
      .locator('.go-on', { hasText: new RegExp(`^${more} may know more than this tab`, 'i') })
      .waitFor({ timeout });
    await behind.getByRole('button', { name: 'Go on from here all the same' }).click();
    await ahead.getByRole('button', { name: 'Go on from here' }).click();
    const confirmed = [
      behind.getByRole('button', { name: `Go on without ${more}, too` }),
      ahead.getByRole('button', { name: 'Go on without them' }),
    ];
    // In one go: as soon as one went on, the other one has no such button any more.
    const handles = await Promise.all(confirmed.map((button) => button.elementHandle({ timeout })));
    await Promise.all(handles.map((button) => button!.evaluate((element) => (element as HTMLElement).click())));
    const told = async () => {
      const texts = await Promise.all([behind, ahead].map((page) => stateLine(page).locator('strong').textContent()));
      return texts.map((text) => text!.replace(/, .*|\.$/, '')).toSorted();
    };
    await expect.poll(told, { timeout }).toEqual(['The room went on without this tab', 'You lead']);
  });
});

/** Nobody is there. */
const stun = 'stun:127.0.0.1:9';

/** Run in the page: which servers each connection is given. */
function recordIce(): void {
  const ice: unknown[] = [];
  Object.assign(globalThis, { ice });
  globalThis.RTCPeerConnection = new Proxy(RTCPeerConnection, {
    construct: (target, [configuration]: [RTCConfiguration]) => {
      ice.push(configuration.iceServers ?? []);
      return new target(configuration);
    },
  });
}

describe('two browsers', () => {
  it('are joined by an invitation, and by nothing else; further tabs of either come in by themselves', async () => {
    await room.setContext({ viewport: { width: 1280, height: 1000 } });
    await room.context.addInitScript(recordIce);
    const [first] = await room.openRoom(1);
    const servers = first!.getByRole('textbox', { name: 'STUN and TURN servers' });
    await first!.getByText('An invitation works on one machine or local network').waitFor({ timeout });
    await first!.getByRole('button', { name: 'Set STUN or TURN' }).click();
    await servers.fill('example.org');
    await first!.getByRole('button', { name: 'Keep' }).click();
    await first!.getByRole('alert').filter({ hasText: 'is no address of a server' }).waitFor({ timeout });
    await servers.fill(stun);
    await first!.getByRole('button', { name: 'Keep' }).click();
    await first!.getByText('One STUN or TURN server is set in this browser').waitFor({ timeout });
    await first!.reload();
    await first!.getByText('One STUN or TURN server is set in this browser').waitFor({ timeout });
    await until(first!, 'You lead');
    await first!.getByRole('button', { name: /Invite another browser/ }).click();
    const invitation = await first!.getByRole('textbox', { name: 'Invitation for another browser' }).inputValue();
    const elsewhere = await room.browser.newContext();
    await elsewhere.addInitScript(recordIce);
    try {
      const second = await elsewhere.newPage();
      await second.goto(invitation.replace('#', `?ice=${stun}#`));
      const code = second.getByRole('textbox', { name: 'Code to carry back' });
      await expect.poll(() => code.inputValue(), { timeout }).toMatch(/^\S{100,}$/);
      await first!.getByRole('textbox', { name: 'Code from the other browser' }).fill('not a code');
      await first!.getByRole('button', { name: 'Connect' }).click();
      await first!.getByRole('alert').filter({ hasText: /./ }).waitFor();
      await first!.getByRole('textbox', { name: 'Code from the other browser' }).fill(await code.inputValue());
      await first!.getByRole('button', { name: 'Connect' }).click();
      for (const page of [first!, second]) await voters(page, '2 of 2 voters here');
      await second.locator('.link-label', { hasText: 'WebRTC' }).first().waitFor({ timeout });
      expect(await stateLine(second).textContent()).not.toContain('they fail together');
      expect(second.url()).not.toContain('invited');
      // The invitation, and the room's own connection beside it.
      for (const page of [first!, second]) {
        await second.getByText('One STUN or TURN server is set by the address of this page').waitFor({ timeout });
        const given = await page.evaluate(() => (globalThis as { ice?: unknown[] }).ice ?? []);
        expect(given.length).toBeGreaterThanOrEqual(2);
        expect(new Set(given.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify([{ urls: stun }])]));
      }
      const third = await elsewhere.newPage();
      await third.goto(second.url());
      for (const page of [first!, second, third]) await voters(page, '3 of 3 voters here');
      await third.locator('.link-label', { hasText: 'BroadcastChannel' }).first().waitFor({ timeout });
      await third.locator('.link-label', { hasText: 'WebRTC' }).first().waitFor({ timeout });
    } finally {
      await elsewhere.close();
    }
  });
});

describe('an invitation', () => {
  it('that led nowhere is over, and another one can be made', async () => {
    const [host] = await room.openRoom(1);
    const invited = host!.getByRole('textbox', { name: 'Invitation for another browser' });
    await host!.getByRole('button', { name: /Invite another browser/ }).click();
    const invitation = await invited.inputValue();
    const guest = await room.visit(new URL(invitation).hash);
    const code = guest.getByRole('textbox', { name: 'Code to carry back' });
    await expect.poll(() => code.inputValue(), { timeout }).toMatch(/^\S{100,}$/);
    const answer = await code.inputValue();
    await guest.close();
    await host!.getByRole('textbox', { name: 'Code from the other browser' }).fill(answer);
    await host!.getByRole('button', { name: 'Connect' }).click();
    await host!.getByRole('alert').filter({ hasText: /./ }).waitFor({ timeout });
    await host!.getByRole('button', { name: /Invite another browser/ }).click();
    await expect.poll(() => invited.inputValue(), { timeout }).not.toBe(invitation);
    // What is no code for it does not end it.
    await host!.getByRole('textbox', { name: 'Code from the other browser' }).fill(answer);
    await host!.getByRole('button', { name: 'Connect' }).click();
    await host!.getByRole('alert').filter({ hasText: 'answers another invitation' }).waitFor({ timeout });
    await host!.getByRole('button', { name: 'Connect' }).waitFor({ timeout });
  });

  it('that is none says so, and shows no code', async () => {
    const host = await room.visit('#/room');
    await host.getByRole('button', { name: 'Make a room' }).click();
    await until(host, 'You lead');
    const link = await host.getByRole('textbox', { name: 'Link to this room' }).inputValue();
    const guest = await room.visit(`${new URL(link).hash}/invited/AAAA`);
    await guest.getByRole('alert').filter({ hasText: 'The invitation cannot be used' }).waitFor({ timeout });
    expect(await guest.getByText('Waiting').count()).toBe(0);
  });
});

describe('the fault panel', () => {
  it('cuts links, loses and delays messages, freezes, kills, and loses the storage of this tab alone', async () => {
    await room.setContext(wide);
    const pages = await room.openRoom(3);
    const { leader, others } = await splitLeader(pages);
    const [broken, witness] = others as [Page, Page];
    const leads = await nameOf(leader);
    await broken.locator('.cuts label', { hasText: leads }).click();
    await until(broken, `The link to ${leads} is cut`);
    await broken.locator('.link-label.is-cut').waitFor();
    await broken.getByRole('button', { name: 'Heal all' }).click();
    await broken.getByRole('slider', { name: /Messages lost/ }).fill('30');
    await broken.getByRole('slider', { name: /takes longer/ }).fill('100');
    await until(broken, '30 % of the messages are lost, every message takes 100 ms longer');
    await broken.locator('.flights .is-lost').first().waitFor({ state: 'attached', timeout });
    await broken.getByRole('button', { name: 'Heal all' }).click();

    const freeze = leader.getByRole('button', { name: 'Freeze 5 s' });
    await freeze.click();
    await until(leader, 'This tab is frozen');
    const leadsNow = async () => {
      // On a busy machine the five seconds may be over too soon.
      if (await freeze.isVisible()) await freeze.click();
      return leaderOn(witness);
    };
    await expect.poll(leadsNow, { timeout }).not.toBe(leads);
    // Or they may be over now: then it is frozen once more, and thaws by itself.
    await leader.getByRole('button', { name: /Thaw|Freeze 5 s/ }).click();
    await until(leader, /You lead|You vote here/);

    await witness.getByRole('button', { name: 'Kill' }).click();
    await witness.locator('.events', { hasText: 'is back with what is on its disk' }).waitFor({ timeout });
    await until(witness, /You lead|You vote here/);

    const name = await nameOf(broken);
    await broken.getByRole('button', { name: 'Lose storage' }).click();
    await expect.poll(() => broken.locator('.seat.is-self .name').textContent(), { timeout }).not.toBe(name);
    for (const page of pages) {
      await voters(page, '3 of 3 voters here');
      expect((await verdict(page)).violations).toBe(0);
    }
    expect(room.complaints).toEqual([]);
  });
});
