// What the tabs of a room are called on the page. A room knows them by words that nobody can pronounce; each word has one name, the same on every page. Pure.

const trees = [
  'ash',
  'alder',
  'apple',
  'aspen',
  'beech',
  'birch',
  'box',
  'cedar',
  'cherry',
  'cork',
  'date',
  'ebony',
  'elder',
  'elm',
  'fig',
  'fir',
  'hazel',
  'holly',
  'larch',
  'laurel',
  'lemon',
  'lime',
  'linden',
  'maple',
  'myrtle',
  'oak',
  'olive',
  'palm',
  'peach',
  'pear',
  'pine',
  'plum',
  'quince',
  'rowan',
  'spruce',
  'teak',
  'willow',
  'yew',
] as const;

/** Two of five tabs have the same name once in some hundred rooms. */
export function nameOf(word: string): string {
  let hash = 2_166_136_261;
  for (const character of word) hash = Math.imul(hash ^ character.charCodeAt(0), 16_777_619) >>> 0;
  return `${trees[hash % trees.length]}-${10 + (Math.floor(hash / trees.length) % 90)}`;
}

/** A sentence of the room's, in which these tabs go by their names. */
export function withNames(text: string, words: readonly string[]): string {
  return words.reduce((said, word) => said.replaceAll(word, nameOf(word)), text);
}
