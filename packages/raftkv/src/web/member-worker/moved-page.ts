// The page of a member that lives in a worker: what the page says of its life and of its network, and the page as its worker has it, moved by that and by nothing else.
import type { TabPage } from '../member/page-life.ts';
import type { PageEvent, PageMessage } from './talk.ts';

type Said = Extract<PageMessage, { type: 'page' }>;

/** Which of a page tells of what. */
const events = {
  window: ['pagehide', 'pageshow', 'online'],
  document: ['visibilitychange', 'freeze', 'resume'],
  connection: ['change'],
} as const satisfies Record<string, readonly PageEvent[]>;

/** To the worker, until the signal is aborted. */
export function passOnPage(
  page: Pick<TabPage, 'window' | 'document' | 'connection'>,
  post: (said: Said) => void,
  signal: AbortSignal,
): void {
  const tell = (heard: Event): void => {
    const { persisted = false } = heard as Partial<PageTransitionEvent>;
    const event = heard.type as PageEvent;
    post({ type: 'page', event, visibility: page.document.visibilityState, persisted });
  };
  for (const part of ['window', 'document', 'connection'] as const) {
    for (const event of events[part]) page[part]?.addEventListener(event, tell, { signal });
  }
}

/** The page as its worker has it. */
export class MovedPage implements TabPage {
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'hidden' as DocumentVisibilityState });
  readonly connection = new EventTarget();
  readonly locks = (globalThis as Partial<typeof globalThis>).navigator?.locks as LockManager | undefined;
  isMobile = false;

  begin({ visibility, isMobile }: Extract<PageMessage, { type: 'open' }>): void {
    this.document.visibilityState = visibility;
    this.isMobile = isMobile;
  }

  hear({ event, visibility, persisted }: Said): void {
    this.document.visibilityState = visibility;
    const part = (['window', 'document', 'connection'] as const).find((each) =>
      (events[each] as readonly PageEvent[]).includes(event),
    );
    // A page of a later build may say more.
    if (part !== undefined) this[part].dispatchEvent(Object.assign(new Event(event), { persisted }));
  }
}
