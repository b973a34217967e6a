// Makes watches whose code is loaded with the first of them: most pages look at live queries alone. In a page's production build this stands in the place of
// `make-watch.ts`; what it makes does what a Watch does, a moment later.
import { RaftkvError } from '@raftkv/wire';
import type { UserKey } from './entry.ts';
import { loadRare } from './rare-later.ts';
import type { Watch, WatchContext } from './watch.ts';

/** What is told to readers: the watch, or in its place its end. */
type Told = Pick<AsyncIterator<unknown, void>, 'next'>;

/**
 * Everything that is asked of it is asked of the watch, in order, once there is one. Before that it ends at once when it is told to, and with `connect_failed`
 * if its code cannot be had.
 */
export function makeWatch<Value, K extends UserKey>(context: WatchContext<Value, K>): Watch<Value, K> {
  const { from = 0, signal } = context.options;
  let watch: Watch<Value, K> | undefined;
  let reason: RaftkvError | undefined;
  let tell!: (told: Told) => void;
  const told = new Promise<Told>((resolve) => (tell = resolve));
  const onEnd = (): void => {
    late.hasEnded = true;
    signal?.removeEventListener('abort', late.close);
    context.onEnd(late as unknown as Watch<Value, K>);
  };
  const late = {
    hasEnded: false,
    get position(): number {
      return watch?.position ?? (from && from - 1);
    },
    async ready() {
      await told;
      if (watch === undefined) throw reason ?? new RaftkvError('closed', 'the watch was closed');
      return watch.ready();
    },
    [Symbol.asyncIterator]: () => late,
    next: async () => (await told).next(),
    return: async () => {
      late.close();
      return { done: true, value: undefined };
    },
    close: () => (watch ?? { close: late.fail }).close(),
    fail(error?: RaftkvError) {
      if (watch !== undefined) return watch.fail(error!);
      if (late.hasEnded) return;
      reason = error;
      tell(over(error));
      onEnd();
    },
    wrote(revision: number) {
      if (watch === undefined) void told.then(() => watch?.wrote(revision));
      else watch.wrote(revision);
    },
    connectionsChanged: () => watch?.connectionsChanged(),
  };
  signal?.addEventListener('abort', late.close);
  if (signal?.aborted === true) late.close();
  loadRare(context.settings.clock).then(({ Watch: Loaded }) => {
    if (!late.hasEnded) tell((watch = new Loaded({ ...context, onEnd })));
  }, late.fail);
  return late as unknown as Watch<Value, K>;
}

/** Tells an error once, and gives nothing: after it the iteration is over. */
async function* over(error: RaftkvError | undefined): AsyncGenerator<never, void, undefined> {
  if (error !== undefined) throw error;
  yield* [];
}
