// The life of a page, as far as a replica cares: when it is about to stop running, and when it runs again. A page that is put away keeps its memory
// for hours; what it held must be free meanwhile, and nothing of what it knew about the world holds when it is back.

/** What is used of a page. */
export interface Page {
  readonly window: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;
  readonly document: Pick<Document, 'visibilityState' | 'addEventListener'>;
  /** Undefined in an insecure context. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
}

export interface PageWatcher {
  /** Left, perhaps for the back/forward cache, or frozen: this is the last turn for now, and perhaps for ever. */
  readonly onSuspend: () => void;
  readonly onResume: () => void;
}

/** Answers the function that ends it. */
export function watchPage({ window, document }: Page, { onSuspend, onResume }: PageWatcher): () => void {
  let isSuspended = false;
  const suspend = (): void => {
    if (isSuspended) return;
    isSuspended = true;
    onSuspend();
  };
  // Out of the cache a page hears both `resume` and `pageshow`, in this order.
  const resume = (): void => {
    if (!isSuspended) return;
    isSuspended = false;
    onResume();
  };
  const end = new AbortController();
  const { signal } = end;
  // Never `unload`, which would keep the page out of the cache.
  window.addEventListener('pagehide', suspend, { signal });
  window.addEventListener('pageshow', resume, { signal });
  document.addEventListener('freeze', suspend, { signal });
  document.addEventListener('resume', resume, { signal });
  return () => end.abort();
}

/**
 * Lets the browser ask before the page is left, only while there is something to lose: a page that always listens is kept out of the cache, and one that
 * always asks is hated. Answers the function that says whether there is.
 */
export function guardUnload({ window }: Pick<Page, 'window'>): (isNeeded: boolean) => void {
  let isGuarded = false;
  const ask = (event: Event): void => event.preventDefault();
  return (isNeeded) => {
    if (isNeeded === isGuarded) return;
    isGuarded = isNeeded;
    if (isNeeded) window.addEventListener('beforeunload', ask);
    else window.removeEventListener('beforeunload', ask);
  };
}
