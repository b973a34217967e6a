// Lets the browser ask before a page is left while kept writes were not sent yet, for as long as whoever keeps them is open: another one, as of a room that went on, has a guard
// of its own. Called by `outbox.ts`.
import type { UserKey } from '@raftkv/client';
import type { WriteKeeper } from '@raftkv/observer';
import { guardUnload } from '@raftkv/observer/web';

export function askWhileWaiting<Value, K extends UserKey>(
  keeper: WriteKeeper<Value, K>,
  page: Parameters<typeof guardUnload>[0],
): WriteKeeper<Value, K> {
  const guard = guardUnload(page);
  const look = (): void => guard(keeper.status.getSnapshot().waiting > 0);
  const stop = keeper.status.subscribe(look);
  look();
  const close = keeper.close.bind(keeper);
  return Object.assign(keeper, {
    close: () =>
      // What was written a moment ago comes to be kept until then.
      close().finally(() => {
        stop();
        guard(false);
      }),
  });
}
