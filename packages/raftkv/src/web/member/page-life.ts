// The life of a page as a voting member cares: when it is hidden, when a turn may be its last, and when it comes back from where nothing ran. What is done
// then is for `tab-member.ts` to say.

/** What is used of a page. A worker, which has none, is given one that its page moves. */
export interface TabPage {
  readonly window: Pick<EventTarget, 'addEventListener'>;
  readonly document: Pick<EventTarget, 'addEventListener'> & { readonly visibilityState: DocumentVisibilityState };
  /** `navigator.connection`, where there is one. */
  readonly connection?: Pick<EventTarget, 'addEventListener'> | undefined;
  /** Undefined in an insecure context. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
  /** Runs on battery, and is ended without much ado. */
  readonly isMobile: boolean;
}

export interface PageWatcher {
  readonly onHidden: () => void;
  readonly onShown: () => void;
  /** Frozen, or left: perhaps this is its last turn. */
  readonly onLeaving: () => void;
  /** Frozen no longer. */
  readonly onResumed: () => void;
  /** Back from the cache of pages that were left: what it remembers may be hours old. */
  readonly onRestored: () => void;
  /** The machine may be on another network, or on one again: it says so, or the page did not run for a while. */
  readonly onNetwork: () => void;
}

/** Answers the function that ends it. */
export function watchPageLife({ window, document, connection }: TabPage, watcher: PageWatcher): () => void {
  const end = new AbortController();
  const { signal } = end;
  document.addEventListener(
    'visibilitychange',
    () => (document.visibilityState === 'hidden' ? watcher.onHidden() : watcher.onShown()),
    { signal },
  );
  // Never `unload`, which would keep the page out of the cache.
  window.addEventListener('pagehide', () => watcher.onLeaving(), { signal });
  window.addEventListener('pageshow', (event) => (event as PageTransitionEvent).persisted && watcher.onRestored(), {
    signal,
  });
  document.addEventListener('freeze', () => watcher.onLeaving(), { signal });
  document.addEventListener('resume', () => watcher.onResumed(), { signal });
  // After those above: a new life, if one begins, dials by itself.
  const stopNetwork = watchNetwork({ window, document, connection }, () => watcher.onNetwork());
  return () => {
    end.abort();
    stopNetwork();
  };
}

/** The machine may be on another network, or on one again. Answers the function that ends it. */
export function watchNetwork(
  { window, document, connection }: Pick<TabPage, 'window' | 'document' | 'connection'>,
  onNetwork: () => void,
): () => void {
  const end = new AbortController();
  const { signal } = end;
  const network = (): void => onNetwork();
  window.addEventListener('online', network, { signal });
  window.addEventListener('pageshow', network, { signal });
  document.addEventListener('resume', network, { signal });
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' || network(), { signal });
  connection?.addEventListener('change', network, { signal });
  return () => end.abort();
}

export function presentTabPage(): TabPage {
  const { navigator, document } = globalThis;
  const { userAgentData, connection } = navigator as Navigator & {
    readonly userAgentData?: { readonly mobile?: boolean };
    readonly connection?: EventTarget;
  };
  return {
    window: globalThis,
    document,
    connection,
    // Missing in an insecure context, whatever the types say.
    locks: navigator.locks as LockManager | undefined,
    isMobile: userAgentData?.mobile ?? /Android|iPhone|iPad|Mobile/.test(navigator.userAgent),
  };
}
