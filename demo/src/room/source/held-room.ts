// The room that this tab is in, while one gives way to another: made, joined, gone on from. A way that is refused leaves the room as it is, and whoever asked hears why;
// the tab is without one only where the former has ended and none came in its place. What is told of it is for `tab-room.ts`, which owns it.
import { RaftkvError } from 'raftkv';
import type { Room } from 'raftkv/room';
import { withNames } from './tab-names.ts';

export interface HeldRoomEvents {
  /** The former one, if there was one, is over. */
  onHeld(room: Room): void;
  /** None is left, for this reason. */
  onLost(problem: string): void;
}

export class HeldRoom {
  readonly #events: HeldRoomEvents;
  #room: Room | undefined;
  #isBusy = false;

  constructor(events: HeldRoomEvents) {
    this.#events = events;
  }

  /** The newest one; it may have ended. */
  get room(): Room | undefined {
    return this.#room;
  }

  /** One room gives way to another. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Rejects with what `open` rejects with, tabs by the names that they have on the page, and with `busy` while another one is on its way. */
  async become(open: () => Promise<Room>): Promise<void> {
    if (this.#isBusy) throw new RaftkvError('busy', 'this tab is on its way into the room');
    this.#isBusy = true;
    let room: Room;
    try {
      room = await open();
    } catch (error) {
      throw this.#fail(RaftkvError.from(error));
    } finally {
      this.#isBusy = false;
    }
    this.#room = room;
    this.#events.onHeld(room);
  }

  #fail({ code, message, cause }: RaftkvError): RaftkvError {
    const status = this.#room?.status.getSnapshot();
    const said = withNames(message, status?.tabs.map(({ word }) => word) ?? []);
    if (status?.phase !== 'open') this.#events.onLost(said);
    return new RaftkvError(code, said, { cause });
  }
}
