// Members that this one has yet to hear of. Who lags learns of new members from the log, and the leader that has the log may be one of them: it must be let in
// before it is known, or nobody could ever tell. Called by the mesh's doors, through whoever composes a member; it follows the roster.
import type { PeerId } from '@raftkv/raft';
import type { Mesh } from '@raftkv/transport';
import type { Roster } from './roster.ts';

export interface GuestsOptions {
  readonly roster: Roster;
  readonly mesh: Pick<Mesh, 'addPeer' | 'removePeer' | 'isConnected'>;
  /** One more takes the place of one that is not connected, or is not let in. Default 16. */
  readonly maxGuests?: number;
}

export class Guests {
  readonly #options: GuestsOptions;
  readonly #ids = new Set<PeerId>();

  constructor(options: GuestsOptions) {
    this.#options = options;
    options.roster.onChange(() => this.#look());
  }

  /** One that is not known knocks: it is let in when it knocks again, if the log may have made it a member by now. It dials: where it is, is not known. */
  invite(id: PeerId): void {
    const { roster, mesh, maxGuests = 16 } = this.#options;
    if (roster.get(id) !== undefined || !roster.mayBeNews(id) || this.#ids.has(id)) return;
    if (this.#ids.size >= maxGuests && !this.#dismissOne()) return;
    this.#ids.add(id);
    mesh.addPeer({ id, name: id, address: '', dials: false });
  }

  /** A guest becomes a peer like any other as soon as it is known; who turns out to be nobody goes. */
  #look(): void {
    const { roster, mesh } = this.#options;
    for (const id of this.#ids) {
      if (roster.get(id) !== undefined) this.#ids.delete(id);
      else if (!roster.mayBeNews(id)) {
        this.#ids.delete(id);
        mesh.removePeer(id);
      }
    }
  }

  #dismissOne(): boolean {
    const { mesh } = this.#options;
    for (const id of this.#ids) {
      if (mesh.isConnected(id)) continue;
      this.#ids.delete(id);
      mesh.removePeer(id);
      return true;
    }
    return false;
  }
}
