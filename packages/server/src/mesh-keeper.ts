// Keeps the mesh's peers as the roster has them: whoever is a member is dialled and let in; whoever is none any more stays connected for a while, so that it
// hears the last entries, its own removal among them. And it notices when that one is this member itself.
import type { PeerId } from '@raftkv/raft';
import type { Mesh } from '@raftkv/transport';
import type { Roster } from './roster.ts';
import { systemClock } from './system-clock.ts';

export interface MeshKeeperOptions {
  readonly memberId: PeerId;
  readonly roster: Roster;
  readonly mesh: Pick<Mesh, 'addPeer' | 'removePeer'>;
  readonly clock?: Pick<typeof systemClock, 'schedule'>;
  /** Whether this side dials the member at that address: see `MeshPeer`. Default: undefined for all, both may. */
  readonly dials?: ((address: string) => boolean | undefined) | undefined;
  /** How long a member that was removed stays connected, and goes on itself. More than the election timeout for which the leader still sends to it. */
  readonly graceMilliseconds: number;
  /** This member was removed, for certain, and has had its time to see others off. Told once. */
  readonly onRemoved: () => void;
}

export class MeshKeeper {
  readonly #options: MeshKeeperOptions;
  readonly #clock: Pick<typeof systemClock, 'schedule'>;
  readonly #peers = new Set<PeerId>();
  /** Those on their way out, with what keeps them. */
  readonly #leaving = new Map<PeerId, () => void>();
  readonly #unsubscribe: () => void;
  #cancelEnd: (() => void) | undefined;

  constructor(options: MeshKeeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#unsubscribe = options.roster.onChange(() => this.#follow());
    this.#follow();
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelEnd?.();
    for (const cancel of this.#leaving.values()) cancel();
  }

  #follow(): void {
    const { memberId, roster, mesh, graceMilliseconds, dials: dialsAt, onRemoved } = this.#options;
    const gone = new Set(this.#peers);
    for (const { id, name, address } of roster.members) {
      if (id === memberId || address === '') continue;
      gone.delete(id);
      this.#leaving.get(id)?.();
      this.#leaving.delete(id);
      this.#peers.add(id);
      const dials = dialsAt?.(address);
      mesh.addPeer({ id, name, address, ...(dials === undefined ? {} : { dials }) });
    }
    for (const id of gone) {
      if (this.#leaving.has(id)) continue;
      const letGo = (): void => {
        this.#leaving.delete(id);
        this.#peers.delete(id);
        mesh.removePeer(id);
      };
      this.#leaving.set(id, this.#clock.schedule(letGo, graceMilliseconds));
    }
    if (roster.wasRemoved(memberId)) this.#cancelEnd ??= this.#clock.schedule(onRemoved, graceMilliseconds);
  }
}
