// What a page tells of its life, and of its network, to the member in it.
import { describe, expect, it } from 'vitest';
import { MovedPage, passOnPage } from '../../../src/web/member-worker/moved-page.ts';
import { watchPageLife } from '../../../src/web/member/page-life.ts';
import { PlayedNetwork, PlayedTab } from './played-tabs.ts';

function watchedPage({ isMoved = false } = {}) {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' as DocumentVisibilityState });
  const page = {
    window: new EventTarget(),
    document,
    connection: new EventTarget(),
    locks: undefined,
    isMobile: false,
  };
  const told: string[] = [];
  const over = new AbortController();
  const moved = new MovedPage();
  // As if the worker's turn were the page's.
  passOnPage(page, (said) => moved.hear(structuredClone(said)), over.signal);
  const stop = watchPageLife(isMoved ? moved : page, {
    onHidden: () => told.push('hidden'),
    onShown: () => told.push('shown'),
    onLeaving: () => told.push('leaving'),
    onResumed: () => told.push('resumed'),
    onRestored: () => told.push('restored'),
    onNetwork: () => told.push('network'),
  });
  const end = (): void => (isMoved ? over.abort() : stop());
  const say = (target: EventTarget, type: string, details = {}): string[] => {
    target.dispatchEvent(Object.assign(new Event(type), details));
    return told.splice(0);
  };
  return { page, document, say, end };
}

describe('a page', () => {
  it.each([
    ['', { isMoved: false }],
    [', to a member in a worker too', { isMoved: true }],
  ])(
    'tells of another network whenever there may be one: after its own life, which may begin anew%s',
    (_where, how) => {
      const { page, document, say, end } = watchedPage(how);
      expect(say(page.window, 'online')).toEqual(['network']);
      expect(say(page.connection, 'change')).toEqual(['network']);
      expect(say(document, 'resume')).toEqual(['resumed', 'network']);
      expect(say(page.window, 'pageshow', { persisted: true })).toEqual(['restored', 'network']);
      expect(say(document, 'visibilitychange')).toEqual(['shown', 'network']);
      document.visibilityState = 'hidden';
      expect(say(document, 'visibilitychange')).toEqual(['hidden']);
      expect(say(document, 'freeze')).toEqual(['leaving']);
      end();
      expect(say(page.window, 'online')).toEqual([]);
    },
  );

  it('has its member dial at once whom it cannot reach, and its network look after itself', async () => {
    const network = new PlayedNetwork();
    const dialled: string[] = [];
    let changes = 0;
    const tab = await PlayedTab.open(network, {
      name: 'a',
      cluster: { founders: [{ name: 'a' }] },
      openNetwork: (door) => {
        const opened = network.open(door);
        return {
          ...opened,
          dial: (peerId, options) => {
            dialled.push(peerId);
            return opened.dial(peerId, options);
          },
          networkChanged: () => (changes += 1),
        };
      },
    });
    const other = await PlayedTab.open(network, { name: 'b', cluster: { endpoints: [tab.member.address] } });
    await other.until(({ standing }) => standing === 'voter');
    dialled.length = 0;
    network.cut(other.member.status().name);
    // It is not reached, and the pauses grow.
    await expect.poll(() => dialled.length).toBeGreaterThan(2);
    const before = dialled.length;
    tab.say('resume');
    expect([changes, dialled.length]).toEqual([1, before + 1]);
    tab.show();
    expect(changes).toBe(2);
    await Promise.all([tab.close(), other.close()]);
  });
});
