// The page of rooms whose ways to others suffer: that of `room.ts`, over ways that a test can take away (`chaos-ways.ts`).
import { sever } from './chaos-ways.ts';
import { roomLab } from './room.ts';

const waysLab = Object.assign(roomLab, {
  /** When there are ways again, the browser says so, as it does of a network that is back. */
  sever: (links: boolean, relay: boolean): void => {
    sever(links, relay);
    if (!links && !relay) dispatchEvent(new Event('online'));
  },
});

declare global {
  // Seen by the functions that a test evaluates in the page.
  var waysLab: WaysLab;
}
export type WaysLab = typeof waysLab;

globalThis.waysLab = waysLab;
