// In which order the statements of the production build stand. What is compressed refers back to what is near, so like stands by like: `find-order.mjs` has tried
// which order is short, `order.json` names it, and here it is kept to, as far as nothing is used before it is made. Statements that it does not name stay
// behind those that they stood behind.
import { parseAst } from 'vite';

/** Puts the statements of this program, as terser has them, into the order that `names` gives. */
export function order(program, code, names) {
  const statements = new Map(
    program.body.flatMap((node) => (nameOf(node) === undefined ? [] : [[nameOf(node), node]])),
  );
  const sorted = sortedNames(needsOf(code), names).flatMap((name) => statements.get(name) ?? []);
  const isFirst = (node) => node.TYPE === 'Import';
  const rest = program.body.filter((node) => nameOf(node) === undefined);
  program.body = [...rest.filter(isFirst), ...sorted, ...rest.filter((node) => !isFirst(node))];
}

/** All names, in the order of `wanted`, each behind what it needs. */
export function sortedNames(needs, wanted) {
  const places = new Map(wanted.map((name, place) => [name, place]));
  let last = -1;
  const ranked = [...needs.keys()].map((name, i) => {
    last = places.get(name) ?? last;
    return { name, place: last, i };
  });
  const sorted = new Set();
  const begun = new Set();
  const add = (name) => {
    if (begun.has(name)) return;
    begun.add(name);
    for (const needed of needs.get(name)) add(needed);
    sorted.add(name);
  };
  for (const { name } of ranked.toSorted((a, b) => a.place - b.place || a.i - b.i)) add(name);
  return [...sorted];
}

/** Of each statement that has a name the names of those that must have run before it. */
export function needsOf(code) {
  const statements = new Map(
    parseAst(code).body.flatMap((node) => {
      const name = (node.id ?? node.declarations?.[0].id)?.name;
      return name === undefined ? [] : [[name, node]];
    }),
  );
  const needs = new Map();
  for (const [name, node] of statements) {
    const found = new Set();
    if (node.type !== 'FunctionDeclaration') addUsed(node, true, found, statements);
    // Functions are there from the beginning.
    const made = [...found].filter((each) => each !== name && statements.get(each).type !== 'FunctionDeclaration');
    needs.set(name, new Set(made));
  }
  return needs;
}

/** Top-level names that are used when this runs. Whatever is called or made meanwhile may use all that stands in it. */
function addUsed(node, isRunning, found, statements) {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) return node.forEach((each) => addUsed(each, isRunning, found, statements));
  if (node.type === 'Identifier' && statements.has(node.name) && !found.has(node.name)) {
    found.add(node.name);
    const used = statements.get(node.name);
    if (used.type === 'FunctionDeclaration' || used.type === 'ClassDeclaration' || isClass(used))
      addUsed(used, false, found, statements);
  }
  const isLater = /Function/.test(node.type) || (node.type === 'PropertyDefinition' && !node.static);
  if (isRunning && isLater) return;
  const name = node.computed || node.shorthand ? undefined : nameOfProperty(node);
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'type' && key !== name) addUsed(value, isRunning, found, statements);
  }
}

/** Where it stands in a node that has one. It is no use of what is called the same: were it taken for one, two statements might seem to need each other. */
function nameOfProperty({ type }) {
  return { MemberExpression: 'property', Property: 'key', MethodDefinition: 'key', PropertyDefinition: 'key' }[type];
}

function isClass({ declarations }) {
  return declarations?.[0].init?.type === 'ClassExpression';
}

/** As the bundler calls what this statement declares. */
export function nameOf({ name, definitions }) {
  return (name ?? definitions?.[0].name)?.name;
}
