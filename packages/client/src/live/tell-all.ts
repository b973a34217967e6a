// How listeners hear of a change: every one of them, whatever another one does.

/** Calls each that is still in the set; what one throws is reported like any uncaught error, and keeps nobody else from hearing. */
export function tellAll(listeners: ReadonlySet<() => void>): void {
  for (const listener of [...listeners]) {
    if (!listeners.has(listener)) continue;
    try {
      listener();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
