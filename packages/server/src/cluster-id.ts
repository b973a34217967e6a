// The id of the cluster, as this member knows it: from the beginning if it joined, and as soon as all founders have noted each other's storages if it is a
// founder. Until then no client is told any. Founders meet under another id, which is made of their names. Made by `open-member.ts`.
import { RaftkvError } from '@raftkv/wire';
import type { PeerRegistry } from './founding.ts';
import type { Home } from './home.ts';
import { drawnClusterId } from './identity.ts';

export class ClusterId {
  readonly #home: Home;
  readonly #registry: Pick<PeerRegistry, 'founders'>;
  #known: string | undefined;

  constructor(home: Home, registry: Pick<PeerRegistry, 'founders'>) {
    this.#home = home;
    this.#registry = registry;
  }

  /** Undefined: not founded yet. Once it is there it stays. */
  get known(): string | undefined {
    this.#known ??= this.#find();
    return this.#known;
  }

  /** Throws `busy` before it is there. */
  get settled(): string {
    const { known } = this;
    if (known === undefined) throw new RaftkvError('busy', 'the cluster is being founded');
    return known;
  }

  /** Founders know each other by their storages, which is more than any id says. */
  with(peer: string): string {
    const { founders, stored } = this.#home;
    return founders.some(({ id }) => id === peer) ? stored.identity.clusterId : this.settled;
  }

  #find(): string | undefined {
    const { token, founders, stored } = this.#home;
    const { clusterId, memberId, storeId } = stored.identity;
    if (token === undefined) return clusterId;
    const others = this.#registry.founders;
    if (others === undefined) return undefined;
    return drawnClusterId(
      token,
      founders.map(({ id, name }) => ({ name, storeId: id === memberId ? storeId : others.get(id)! })),
    );
  }
}
