// Looks for an order of statements in which they compress to less, by trial, since nobody knows better; the same statements and the same number of trials give
// the same order. `npm run order` has it find one for the production build, which is worth it again after much has changed there.
import { gzipSync } from 'node:zlib';
import { nameOf, needsOf, sortedNames } from './statement-order.mjs';

/** `program`: as terser has it, minified, from `code`. `names`: the order to begin with. */
export function findOrder(program, code, names, trials) {
  const pieces = piecesOf(program);
  const needs = needsOf(code);
  const sizeOf = (sorted) => gzipSync(sorted.map((name) => pieces.get(name) ?? '').join(''), { level: 6 }).length;
  const random = randomFrom(names.length);
  let best = sortedNames(needs, names);
  let least = sizeOf(best);
  console.log(`${least} bytes`);
  for (let trial = 0; trial < trials; trial += 1) {
    const tried = best.filter((name) => pieces.has(name));
    const moved = tried.splice(Math.floor(random() * tried.length), 1 + Math.floor(random() * 3));
    tried.splice(Math.floor(random() * tried.length), 0, ...moved);
    const sorted = sortedNames(needs, tried);
    const size = sizeOf(sorted);
    if (size > least) continue;
    least = size;
    best = sorted;
  }
  console.log(`${least} bytes`);
  return best.filter((name) => pieces.has(name));
}

function piecesOf(program) {
  return new Map(
    program.body.flatMap((node) => {
      if (node.definitions === undefined) return nameOf(node) === undefined ? [] : [[nameOf(node), print(node)]];
      return node.definitions.map((each) => [each.name.name, `var ${print(each)};`]);
    }),
  );
}

function print(node) {
  return node.print_to_string();
}

/** In [0, 1). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
