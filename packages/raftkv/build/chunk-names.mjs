// What the files of the production build are called, for `production.mjs`. Short names of properties are agreed within one build, so files of two builds must never
// meet in a page: all but the stable door have a stamp of the whole build in their names and in what they import, and a page whose first file is of one build
// finds no file of another. The same code gives the same stamp.
import { createHash } from 'node:crypto';

/** Stands for the stamp while files are made, as long as one is, so that what source maps say of columns remains true. */
export const unstamped = 'STAMP000';

const stampedName = new RegExp(`-(?:${unstamped}|[0-9a-f]{${unstamped.length}})\\.js(?:\\.map)?$`);

/** What bundlers and hosts know the build by. It says nothing but where everything is. */
export const door = 'index.js';

/**
 * `files`: by their names, with `unstamped` in these and in the code. `exported`: the names behind the door, which are had from `main`. Answers the files as they
 * are written, the door last: whoever finds it finds the others.
 */
export function stamped(files, { main, exported, banner }) {
  const stamp = stampOf(files);
  const put = (text) => text.replaceAll(unstamped, stamp);
  const opened = `${banner}\nexport{${exported.toSorted().join(',')}}from"./${put(main)}";\n`;
  return [...files.map(({ name, text }) => ({ name: put(name), text: put(text) })), { name: door, text: opened }];
}

/** Whether this is the name of a file of some build: the door, with its map, or one with a stamp. One that is not of the newest is in nobody's way but the reader's. Other files are not ours. */
export function isMade(name) {
  return name === door || name === `${door}.map` || stampedName.test(name);
}

/** Of code alone: what a source map says besides changes nothing in a page. */
function stampOf(files) {
  const hash = createHash('sha256');
  const codes = files.filter(({ name }) => name.endsWith('.js'));
  for (const { name, text } of codes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`${name}\0${text.length}\0${text}`);
  }
  return hash.digest('hex').slice(0, unstamped.length);
}
