// A name and a colour for whoever writes in this tab, drawn once and kept for as long as the tab lives.
import type { Author } from './context.ts';

const names = [
  'Ash',
  'Birch',
  'Cedar',
  'Elm',
  'Fir',
  'Hazel',
  'Juniper',
  'Larch',
  'Linden',
  'Maple',
  'Oak',
  'Pine',
  'Rowan',
  'Spruce',
  'Willow',
  'Yew',
];
const storageKey = 'raftkv.author';

export function drawAuthor(): Author {
  try {
    const kept = sessionStorage.getItem(storageKey);
    if (kept !== null) return JSON.parse(kept) as Author;
  } catch {
    // Blocked or spoilt: draw another one.
  }
  const at = Math.floor(Math.random() * names.length);
  const author = { name: names[at]!, hue: Math.round((at * 360) / names.length) };
  try {
    sessionStorage.setItem(storageKey, JSON.stringify(author));
  } catch {
    // Another one after a reload, then.
  }
  return author;
}
