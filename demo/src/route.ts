// Which room of the page is open: in the address, so that it can be linked, bookmarked and gone back from.
import { Observable } from './model/observable.ts';

export const rooms = ['board', 'cities', 'cluster', 'tab', 'room'] as const;
export type Room = (typeof rooms)[number];

export const room = new Observable<Room>(roomOf(location.hash));
window.addEventListener('hashchange', () => room.set(roomOf(location.hash)));

function roomOf(hash: string): Room {
  // `#/room/…` says more, which its own part of the page reads.
  const name = hash.replace(/^#\/?/, '').split('/')[0]!;
  return (rooms as readonly string[]).includes(name) ? (name as Room) : 'board';
}
