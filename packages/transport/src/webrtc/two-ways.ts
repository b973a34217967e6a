// Dials by two ways: the direct one, and, when that fails or keeps one waiting, the one through a relay. The first that stands is taken and the other
// given up; going back to the direct one later is the mesh's business.
import { RaftkvError } from '@raftkv/wire';
import type { Channel } from '../channel.ts';
import type { TransportClock } from '../clock.ts';

export interface TwoWaysOptions {
  readonly direct: (signal: AbortSignal) => Promise<Channel>;
  readonly relayed: (signal: AbortSignal) => Promise<Channel>;
  /** How long the direct way has for itself. */
  readonly patienceMilliseconds: number;
  readonly clock: TransportClock;
  readonly signal?: AbortSignal;
}

type Way = 'direct' | 'relayed';

/** Rejects with what was wrong with the direct way. */
export function dialTwoWays({ clock, signal, patienceMilliseconds, ...ways }: TwoWaysOptions): Promise<Channel> {
  const aborts = { direct: new AbortController(), relayed: new AbortController() } as const;
  const errors: Partial<Record<Way, RaftkvError>> = {};
  let isSettled = false;
  let isRelayTried = false;
  return new Promise((resolve, reject) => {
    const cancel = (): void => {
      aborts.direct.abort();
      aborts.relayed.abort();
      // The direct way rejects with it, and nothing else is begun.
      isRelayTried ||= !isSettled;
      if (errors.direct !== undefined) settle(() => reject(cancelled()));
    };
    const settle = (tell: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      cancelPatience();
      signal?.removeEventListener('abort', cancel);
      tell();
    };
    const won = (way: Way, channel: Channel): void => {
      if (isSettled) return channel.close(cancelled());
      settle(() => resolve(channel));
      aborts[way === 'direct' ? 'relayed' : 'direct'].abort();
    };
    const failed = (way: Way, thrown: unknown): void => {
      const error = RaftkvError.from(thrown);
      errors[way] = error;
      if (way === 'direct' && !isAnotherWayOfUse(error)) {
        settle(() => reject(error));
        aborts.relayed.abort();
        return;
      }
      if (way === 'direct') tryRelay();
      const { direct, relayed } = errors;
      if (direct !== undefined && relayed !== undefined) settle(() => reject(direct));
    };
    const attempt = (way: Way): void => {
      ways[way](aborts[way].signal).then(
        (channel) => won(way, channel),
        (error: unknown) => failed(way, error),
      );
    };
    const tryRelay = (): void => {
      if (isRelayTried || isSettled) return;
      isRelayTried = true;
      attempt('relayed');
    };
    const cancelPatience = clock.schedule(tryRelay, patienceMilliseconds);
    signal?.addEventListener('abort', cancel, { once: true });
    attempt('direct');
  });
}

/** What the other side refused it refuses by any way. */
function isAnotherWayOfUse({ code }: RaftkvError): boolean {
  return code === 'timeout' || code === 'connect_failed' || code === 'connection_lost' || code === 'unsupported';
}

function cancelled(): RaftkvError {
  return new RaftkvError('cancelled', 'dialling was cancelled');
}
