// The failure domain of this browser profile: a word that it draws once and keeps, so that tabs which fail together are known to do so. It grants nothing.
import { drawWord } from '../room/room-link.ts';

const place = 'raftkv.domain';
const characters = 12;
/** Of this page, where it may keep nothing. */
let passing: string | undefined;

/** A page that may keep nothing is a profile of its own: private windows end as a whole, too. */
export function profileDomain(): string {
  try {
    const known = localStorage.getItem(place);
    if (known !== null && /^[A-Za-z0-9_-]{1,64}$/.test(known)) return known;
    const drawn = drawWord(characters);
    localStorage.setItem(place, drawn);
    return localStorage.getItem(place) ?? drawn;
  } catch {
    return (passing ??= drawWord(characters));
  }
}
