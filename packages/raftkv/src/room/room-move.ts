// The way of a tab from its room to another one, that goes on from it or that it joins anew: there is one at a time, and none after the last. Where it leads is for `room.ts`.
import { RaftkvError } from '@raftkv/wire';

export class RoomMove {
  readonly #isClosed: () => boolean;
  isUnderWay = false;

  constructor(isClosed: () => boolean) {
    this.#isClosed = isClosed;
  }

  /** Rejects with `busy` while there is another one, `closed` where the tab has left its room; then nothing is done. */
  async make<Room>(act: () => Promise<Room>): Promise<Room> {
    if (this.isUnderWay) throw new RaftkvError('busy', 'this tab is on its way to another room already');
    if (this.#isClosed()) throw new RaftkvError('closed', 'this tab left the room');
    this.isUnderWay = true;
    try {
      return await act();
    } finally {
      this.isUnderWay = false;
    }
  }
}
