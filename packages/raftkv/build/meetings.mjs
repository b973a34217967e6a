// Which property names meet on one object, as far as the type checker can tell, for `short-names.mjs`: those that never do may be called the same. An object is
// made by a literal or a class, whose type has all that is on it; whoever looks for something that need not be there may look at any object that fits.
import ts from 'typescript';

/** Types are looked into so deep: what is in the arguments, the properties and the answers of one. */
const deepest = 3;

export class Meetings {
  #checker;
  #nameOf;
  /** By type, how deep it was looked into. */
  #seen = new Map();
  /** Names that stand in one type, each list once. */
  #groups = new Map();
  /** Types that may leave something out. */
  #wanting = new Set();
  /** Types of whole objects. */
  #made = new Set();
  /** What is spread, with the names of what it becomes part of: it brings along whatever else it has. */
  #spread = new Map();

  /** `nameOf`: what a symbol is called. */
  constructor(checker, nameOf) {
    this.#checker = checker;
    this.#nameOf = nameOf;
  }

  look(node) {
    const checker = this.#checker;
    if (ts.isClassLike(node)) this.#add(checker.getTypeAtLocation(node), 0);
    if (!ts.isExpression(node) && !ts.isTypeNode(node)) return;
    const type = checker.getTypeAtLocation(node);
    this.#add(type, 0);
    for (const each of mergedIn(node)) this.#addSpread(each, type);
    // What is claimed of an object is not checked, whatever else is claimed on the way.
    if (ts.isAsExpression(node)) {
      const given = checker.getTypeAtLocation(withoutClaims(node.expression));
      for (const a of partsOf(given))
        for (const b of partsOf(type)) this.#group([...this.#namesIn(a), ...this.#namesIn(b)]);
    }
  }

  /** Of each name all others that it meets. `mayMangle`: whether a name is to be another; of others nothing is kept. */
  partners(mayMangle) {
    const partners = new Map();
    const meet = (names) => {
      const mine = [...new Set(names)].filter(mayMangle);
      for (const name of mine) {
        const others = partners.get(name) ?? new Set();
        partners.set(name, others);
        for (const other of mine) if (other !== name) others.add(other);
      }
    };
    for (const names of this.#groups.values()) meet(names);
    for (const wanting of this.#wanting) {
      const optional = wanting
        .getProperties()
        .filter(isOptional)
        .map((symbol) => this.#nameOf(symbol));
      if (!optional.some(mayMangle)) continue;
      for (const made of this.#made) {
        if (this.#checker.isTypeAssignableTo(made, wanting)) meet([...this.#namesIn(made), ...optional]);
      }
    }
    for (const [given, names] of this.#spread) {
      if (![...names].some(mayMangle)) continue;
      for (const made of this.#made) {
        if (this.#checker.isTypeAssignableTo(made, given)) meet([...this.#namesIn(made), ...names]);
      }
    }
    return partners;
  }

  /** Names of which nothing is certain: all that their types ask for need not be there. */
  get doubtful() {
    const all = [...this.#wanting].filter((type) => type.getProperties().every(isOptional));
    return new Set(all.flatMap((type) => this.#namesIn(type)));
  }

  #addSpread(expression, whole) {
    const names = partsOf(whole).flatMap((part) => this.#namesIn(part));
    for (const part of partsOf(this.#checker.getTypeAtLocation(expression))) {
      if (part.getProperties().length === 0 || !(part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)))
        continue;
      this.#spread.set(part, new Set([...(this.#spread.get(part) ?? []), ...names]));
    }
  }

  #add(type, depth) {
    for (const part of partsOf(type)) this.#addPart(part, depth);
  }

  #addPart(type, depth) {
    const before = this.#seen.get(type) ?? Infinity;
    if (before <= depth || depth > deepest) return;
    this.#seen.set(type, depth);
    const checker = this.#checker;
    const isObject = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0;
    if (type.isTypeParameter() && type.getConstraint() !== undefined) this.#add(type.getConstraint(), depth);
    if (!isObject) return;
    const properties = type.getProperties();
    if (before === Infinity && properties.length > 0) {
      this.#group(this.#namesIn(type));
      if (properties.some(isOptional)) this.#wanting.add(type);
      this.#made.add(type);
    }
    for (const argument of type.aliasTypeArguments ?? []) this.#add(argument, depth + 1);
    if (type.isIntersection()) for (const part of type.types) this.#add(part, depth + 1);
    if (type.flags & ts.TypeFlags.Object) {
      for (const argument of checker.getTypeArguments(type) ?? []) this.#add(argument, depth + 1);
    }
    for (const property of properties) this.#add(checker.getTypeOfSymbol(property), depth + 1);
    for (const signature of type.getCallSignatures()) this.#add(signature.getReturnType(), depth + 1);
  }

  #namesIn(type) {
    return type.getProperties().map((symbol) => this.#nameOf(symbol));
  }

  #group(names) {
    const sorted = [...new Set(names)].toSorted();
    if (sorted.length > 1) this.#groups.set(sorted.join(), sorted);
  }
}

function withoutClaims(node) {
  return ts.isAsExpression(node) || ts.isParenthesizedExpression(node) ? withoutClaims(node.expression) : node;
}

/** What becomes part of the object that this expression makes or fills. */
function mergedIn(node) {
  if (ts.isObjectLiteralExpression(node))
    return node.properties.filter(ts.isSpreadAssignment).map(({ expression }) => expression);
  return ts.isCallExpression(node) && node.expression.getText() === 'Object.assign' ? node.arguments : [];
}

function partsOf(type) {
  return type.isUnion() ? type.types : [type];
}

function isOptional({ flags }) {
  return (flags & ts.SymbolFlags.Optional) !== 0;
}
