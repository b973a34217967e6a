// Looks for names with which a page's code compresses to less, by trial, since nobody knows better; the same code and the same number of trials give the same
// names. `npm run names` has it find some for the production build, which is worth it again after much has changed there.
import { gzipSync } from 'node:zlib';
import { shortName } from './short-names.mjs';

/** Any letter for what is used often, and two of those that are used most. */
const single = [...'abcdefghijklmnopqrstuvwxyz'];
const double = Array.from({ length: 256 }, (_, i) => shortName(16 + i));

/** Stands for the name number `i` in the code that is tried. */
export function placeholder(i) {
  return `QZ${i}_`;
}

/**
 * `codes`: a page's files, with placeholders. `names`: the names that they stand for, as they are chosen now, in the order of their numbers. `partners`: of each
 * those that must be called otherwise; `taken`: what none may be called.
 */
export function findNames({ codes, names, partners, taken, trials }) {
  const all = Object.keys(names);
  const best = new Map(Object.entries(names));
  const files = codes.map((code) => new File(code, all));
  const used = [...new Set(files.flatMap(({ names: each }) => [...each]))];
  const isFree = (name, short) => [...partners.get(name)].every((other) => best.get(other) !== short);
  const random = randomFrom(all.length);
  const oneOf = (list) => list[Math.floor(random() * list.length)];
  let least = files.reduce((sum, file) => sum + file.measure(best), 0);
  console.log(`${least} bytes`);
  for (let trial = 0; trial < trials; trial += 1) {
    const name = used[Math.floor(random() ** 1.5 * used.length)];
    const short = oneOf(random() < 0.6 ? single : double);
    const before = best.get(name);
    if (taken.has(short) || short === before) continue;
    // Whoever has that name already takes the one that becomes free.
    const changed = [name, ...[...partners.get(name)].filter((other) => best.get(other) === short)];
    const swap = (mine, others) => changed.forEach((each, i) => best.set(each, i === 0 ? mine : others));
    swap(short, before);
    const isPossible = changed.every((each) => isFree(each, best.get(each)));
    const size = isPossible ? files.reduce((sum, file) => sum + file.measureAgain(best, changed), 0) : Infinity;
    if (size > least) {
      swap(before, short);
      continue;
    }
    least = size;
    for (const file of files) file.keep();
  }
  console.log(`${least} bytes`);
  return Object.fromEntries(used.toSorted().map((name) => [name, best.get(name)]));
}

class File {
  names;
  #pieces;
  #size;
  #tried;

  constructor(code, all) {
    // Text and names by turns.
    this.#pieces = code.split(/QZ(\d+)_/).map((piece, i) => (i % 2 === 1 ? all[piece] : piece));
    this.names = new Set(this.#pieces.filter((_, i) => i % 2 === 1));
  }

  measure(best) {
    const code = this.#pieces.map((piece, i) => (i % 2 === 1 ? best.get(piece) : piece)).join('');
    this.#size = this.#tried = gzipSync(code, { level: 9 }).length;
    return this.#size;
  }

  /** After these names have changed. */
  measureAgain(best, changed) {
    const before = this.#size;
    this.#tried = changed.some((name) => this.names.has(name)) ? this.measure(best) : before;
    this.#size = before;
    return this.#tried;
  }

  keep() {
    this.#size = this.#tried;
  }
}

/** In [0, 1). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
