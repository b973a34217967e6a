// Kept writes of pages on the stage: one disk of a profile for each scope, with locks of its lanes that end with their page, however that goes. A page that is
// gone changes nothing on it any more.
import type { KeepWrites } from '@raftkv/observer';
import { keepWrites } from '@raftkv/observer/outbox';
import type { LaneLocks } from '@raftkv/observer/outbox';
import { MemoryOutbox } from '@raftkv/storage';
import type { OutboxStorage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import { clock } from './room-stage.ts';
import type { Page, Profile, Stage } from './room-stage.ts';

interface Kept {
  readonly disk: MemoryOutbox;
  readonly holders: Map<string, Page>;
}

/** The disks of profiles, by scope. */
const disks = new WeakMap<Profile, Map<string, Kept>>();

/** The option `outbox` of a room in this page. */
export function outboxOf(stage: Stage, page: Page): KeepWrites {
  const isThere = (): boolean => stage.pages.has(page);
  return (host) => {
    const kept = keptOf(page.profile, host.scope ?? '');
    return keepWrites({
      open: async () => guarded(kept.disk, isThere),
      fallback: new MemoryOutbox(),
      locks: locksOf(kept, stage, page),
      clock: { schedule: clock.schedule, wallTime: () => Date.now() },
    })(host);
  };
}

/** What was ever kept there is there under this scope. */
export function scopesOf(profile: Profile): readonly string[] {
  return [...(disks.get(profile) ?? new Map<string, Kept>()).keys()];
}

function keptOf(profile: Profile, scope: string): Kept {
  const scopes = disks.get(profile) ?? new Map<string, Kept>();
  disks.set(profile, scopes);
  const kept = scopes.get(scope) ?? { disk: new MemoryOutbox('strict'), holders: new Map<string, Page>() };
  scopes.set(scope, kept);
  return kept;
}

function guarded(disk: MemoryOutbox, isThere: () => boolean): OutboxStorage {
  const expect = (): void => {
    if (!isThere()) throw new RaftkvError('storage_failed', 'the process is gone');
  };
  return {
    mode: 'strict',
    lanes: async () => {
      expect();
      return disk.lanes();
    },
    take: async (name) => {
      expect();
      const lane = await disk.take(name);
      return {
        found: lane.found,
        commit: async (changes) => {
          expect();
          await lane.commit(changes);
        },
        drop: async () => {
          if (isThere()) await lane.drop();
        },
      };
    },
    close: () => undefined,
  };
}

/** Tabs of one profile do not wait for each other here: which of two has what is for the suites of the outbox itself. */
function locksOf({ holders }: Kept, stage: Stage, page: Page): LaneLocks {
  return {
    former: undefined,
    take: async (lane, { ifFree = false, signal }) => {
      const holder = holders.get(lane);
      if (holder !== undefined && stage.pages.has(holder)) {
        if (ifFree) return undefined;
        return new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new RaftkvError('cancelled', 'given up')));
        });
      }
      holders.set(lane, page);
      return () => {
        if (holders.get(lane) === page) holders.delete(lane);
      };
    },
    announce: () => undefined,
    ask: () => undefined,
    listen: () => undefined,
    close: () => undefined,
  };
}
