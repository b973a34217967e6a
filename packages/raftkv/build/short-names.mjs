// What the properties that nobody outside can see are called in the production build, for `program.mjs`. `#name` becomes a property like any other, which nobody
// outside knows all the same. Names that never meet on one object (`meetings.mjs`) may be the same; which of those that are free compress to less is not known
// but tried (`find-names.mjs`), and what was found is in `names.json`.
import ts from 'typescript';

/** Those that names of variables are made of, most used first. No more of them: the fewer different letters there are, the better it compresses. */
const letters = 'etnriaoscludfpmh';

export class ShortNames {
  #checker;
  /** Of each class the names that stand for its private ones. */
  #privates = new Map();
  /** How many classes have this name. */
  #classes = new Map();

  constructor(checker) {
    this.#checker = checker;
  }

  editsIn(node) {
    // A property that is undefined need not be there: its name is that of no other.
    if (isBare(node)) {
      this.#privatesOf(node.parent);
      return [{ start: node.getStart(), end: node.end, text: '' }];
    }
    if (!ts.isPrivateIdentifier(node) || isBare(node.parent)) return [];
    const text = this.nameOf(this.#checker.getSymbolAtLocation(node));
    return [{ start: node.getStart(), end: node.end, text }];
  }

  /** What the sources call it, or what stands for a private name. */
  nameOf({ name, declarations }) {
    const declaration = declarations?.[0];
    if (declaration?.name === undefined || !ts.isPrivateIdentifier(declaration.name)) return name;
    return this.#privatesOf(declaration.parent).get(declaration.name.text);
  }

  #privatesOf(owner) {
    let names = this.#privates.get(owner);
    if (names !== undefined) return names;
    const called = owner.name?.text ?? '';
    const before = this.#classes.get(called) ?? 0;
    this.#classes.set(called, before + 1);
    const own = owner.members.flatMap(({ name }) =>
      name !== undefined && ts.isPrivateIdentifier(name) ? [name.text] : [],
    );
    const prefix = `private_${called}${before === 0 ? '' : before + 1}_`;
    names = new Map(own.map((name) => [name, prefix + name.slice(1)]));
    this.#privates.set(owner, names);
    return names;
  }

  /**
   * A short name for each of the names and the private ones: what is `known` to be good where it is free, else the shortest that is, for those first that `code`
   * has most often. None of `taken`.
   */
  choose({ code, names, taken, meetings, known }) {
    const all = this.#byUse(code, names);
    const partners = partnersOf(all, meetings);
    const chosen = new Map();
    const isFree = (name, short) =>
      !taken.has(short) && [...partners.get(name)].every((other) => chosen.get(other) !== short);
    for (const name of all) {
      if (known[name] !== undefined && isFree(name, known[name])) chosen.set(name, known[name]);
    }
    for (const name of all) {
      for (let i = 0; !chosen.has(name); i += 1) if (isFree(name, shortName(i))) chosen.set(name, shortName(i));
    }
    return { names: Object.fromEntries(chosen), partners, taken };
  }

  #byUse(code, names) {
    const counts = new Map();
    for (const [name] of code.matchAll(/(?<=\.)\w+|\w+(?=[:(])/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
    const privates = [...this.#privates.values()].flatMap((each) => [...each.values()]);
    return [...privates, ...names].toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  }
}

/** Of each name those that must be called otherwise. */
function partnersOf(all, meetings) {
  const known = new Set(all);
  const partners = meetings.partners((name) => known.has(name));
  const { doubtful } = meetings;
  const isPublic = (name) => !name.startsWith('private_');
  for (const name of all) if (!partners.has(name)) partners.set(name, new Set());
  for (const name of all.filter((each) => isPublic(each) && doubtful.has(each))) {
    for (const other of all) {
      if (other === name || !isPublic(other)) continue;
      partners.get(name).add(other);
      partners.get(other).add(name);
    }
  }
  return partners;
}

function isBare(node) {
  return ts.isPropertyDeclaration(node) && node.initializer === undefined;
}

/** The shortest come first. */
export function shortName(i) {
  const rest = Math.floor(i / letters.length);
  return (rest === 0 ? '' : shortName(rest - 1)) + letters[i % letters.length];
}
