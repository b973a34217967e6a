// Reads the sources through the type checker for `production.mjs`: which property names are nobody's business outside of the bundle, and what they are to be
// called. What else is written shorter is in `shorter-code.mjs`. Whatever is in doubt stays as it is.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { Meetings } from './meetings.mjs';
import { editsIn, isForServers, withoutIt } from './shorter-code.mjs';
import { ShortNames } from './short-names.mjs';
import { editsOfWords, expectInside } from './short-words.mjs';

export const packages = join(import.meta.dirname, '../..');

/** Not part of the bundle, but they share objects with it. */
const bindings = ['react', 'vue', 'svelte'];
/** Doors whose types are promised to apps. */
const doors = ['raftkv/src/web', ...bindings.map((name) => `${name}/src`)];
/** Functions whose argument leaves this program, or this version of it: names in it are read elsewhere. */
const exits = new Set(['stringify', 'postMessage']);
/** What the platform calls by itself, of whichever object. */
const implied = ['toString', 'toJSON', 'valueOf', 'then', 'next', 'return', 'throw', 'handleEvent'];

/**
 * `bundled`: the modules that code of the bundle comes from; what others do with a name is no reason to keep it. `shared`: modules that stay outside
 * of the bundle.
 */
export function analyse({ entry, bundled, shared }) {
  const files = [...bundled, ...shared, ...bindings.flatMap((name) => sourcesOf(join(packages, name, 'src')))];
  const program = ts.createProgram([entry, ...files], readOptions());
  const checker = program.getTypeChecker();
  const kept = new Kept(checker);
  for (const door of doors) kept.keepDoor(program.getSourceFile(join(packages, door, 'index.ts')));
  const shortNames = new ShortNames(checker);
  const meetings = new Meetings(checker, (symbol) => shortNames.nameOf(symbol));
  const used = new Set();
  const edits = new Map();
  const isShared = (file) =>
    shared.includes(file) || bindings.some((name) => file.startsWith(join(packages, name, 'src')));
  const called = new Set(implied);
  for (const file of files) {
    walk(program.getSourceFile(file), (node) => {
      if (!isShared(file) && isForServers(node)) return false;
      if (ts.isIdentifier(node) && !(ts.isClassElement(node.parent) && node.parent.name === node))
        called.add(node.text);
      if (ts.isStringLiteralLike(node)) called.add(node.text);
      return true;
    });
  }
  const isIdle = (node) =>
    (ts.isMethodDeclaration(node) || ts.isAccessor(node)) &&
    ts.isClassElement(node) &&
    ts.isIdentifier(node.name) &&
    !called.has(node.name.text) &&
    !kept.names.has(node.name.text);
  for (const file of files) {
    const isOutside = isShared(file);
    const texts = [];
    walk(program.getSourceFile(file), (node) => {
      if (!isOutside && (isForServers(node) || isIdle(node))) {
        texts.push(withoutIt(node));
        return false;
      }
      kept.keepNamedByText(node);
      meetings.look(node);
      const name = propertyName(node);
      if (name !== undefined) {
        used.add(name.text);
        if (isOutside) kept.keep(name.text);
        else kept.keepForeign(node, name);
      }
      kept.keepExit(node);
      kept.keepStandIn(node);
      if (!isOutside && ts.isGetAccessorDeclaration(node)) expectQuiet(node);
      texts.push(...editsIn(node, checker));
      if (!isOutside) texts.push(...shortNames.editsIn(node), ...editsOfWords(node));
    });
    edits.set(file, texts);
  }
  expectInside(kept.texts);
  const names = [...used].filter((name) => !kept.names.has(name));
  return {
    exported: valuesOf(checker, program.getSourceFile(entry)),
    namesFor: (code, known) => shortNames.choose({ code, names, taken: kept.names, meetings, known }),
    editsOf: (path) => edits.get(path) ?? [],
  };
}

/** Names behind this door of what is there when a program runs. */
function valuesOf(checker, file) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file)).map((symbol) => ({
    name: symbol.name,
    what: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    isType: symbol.declarations.every((each) => each.isTypeOnly === true || each.parent.parent?.isTypeOnly === true),
  }));
  return symbols.filter(({ what, isType }) => what.flags & ts.SymbolFlags.Value && !isType).map(({ name }) => name);
}

function readOptions() {
  const { config } = ts.readConfigFile(join(packages, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, packages);
  return {
    ...options,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    composite: false,
    noEmit: true,
  };
}

function sourcesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('node/'))
    .map((path) => join(folder, path));
}

/** Not into what `visit` answers false for. */
function walk(node, visit) {
  if (visit(node) !== false) ts.forEachChild(node, (child) => walk(child, visit));
}

/** Reading a property is taken for something that may as well not happen: a getter that changes what outlives it must be a method. */
function expectQuiet(getter) {
  walk(getter.body, (node) => {
    const { kind } = node.operatorToken ?? {};
    const isAssignment = kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
    const isStep = [ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken].includes(node.operator);
    if (!isAssignment && !isStep && !ts.isDeleteExpression(node)) return;
    if (ts.isIdentifier(node.left ?? node.operand ?? node.expression)) return;
    throw new Error(`${getter.getSourceFile().fileName}: the getter ${getter.name.getText()} changes something`);
  });
}

/** The name of a property that this node reads, writes, declares or takes apart. */
function propertyName(node) {
  const isMember =
    ts.isPropertyAccessExpression(node) ||
    ts.isObjectLiteralElementLike(node) ||
    ts.isClassElement(node) ||
    ts.isTypeElement(node);
  const isTakenApart = ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent);
  const name = isMember ? node.name : isTakenApart ? (node.propertyName ?? node.name) : undefined;
  return name !== undefined && ts.isIdentifier(name) ? name : undefined;
}

/** Names that must stay as they are. */
class Kept {
  names = new Set();
  /** What values that are kept may be, where their types say so. */
  texts = new Set();
  #checker;
  #seen = new Set();
  #met = new Set();

  constructor(checker) {
    this.#checker = checker;
  }

  keep(name) {
    this.names.add(name);
  }

  keepDoor(file) {
    const checker = this.#checker;
    for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(file))) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      this.#keepType(checker.getDeclaredTypeOfSymbol(symbol));
      const isTypeOnly = exported.declarations.every(
        (each) => each.isTypeOnly === true || each.parent.parent?.isTypeOnly === true,
      );
      if (symbol.flags & ts.SymbolFlags.Value && !isTypeOnly) this.#keepType(checker.getTypeOfSymbol(symbol));
    }
  }

  /** A text may be used as a name: `object['name']`, `'name' in object`, or `object[text]`, where it may be any of them. */
  keepNamedByText(node) {
    const checker = this.#checker;
    if (ts.isStringLiteralLike(node) && !ts.isLiteralTypeNode(node.parent)) this.keep(node.text);
    if (ts.isElementAccessExpression(node)) {
      const text = checker.getTypeAtLocation(node.argumentExpression);
      const isListed = (text.isUnion() ? text.types : [text]).every((type) => type.isStringLiteral());
      // What is listed stands somewhere as a text of its own.
      if (isListed || text.flags & ts.TypeFlags.NumberLike) return;
      for (const { name } of checker.getTypeAtLocation(node.expression).getProperties()) this.keep(name);
    }
    if (ts.isObjectLiteralExpression(node)) {
      const wanted = checker.getContextualType(node);
      if (wanted === undefined || wanted.getStringIndexType() === undefined) return;
      for (const { name } of node.properties) if (name !== undefined && ts.isIdentifier(name)) this.keep(name.text);
    }
  }

  keepExit(node) {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const { text } = node.expression.name;
    if (exits.has(text))
      for (const argument of node.arguments) this.#keepType(this.#checker.getTypeAtLocation(argument));
  }

  /** A name that somebody else gave, or that cannot be followed to where it was given. */
  keepForeign(node, name) {
    // What a module has is known by its name.
    if (ts.isBindingElement(node) && isModule(this.#checker.getTypeAtLocation(node.parent))) this.keep(name.text);
    const symbols = this.#symbolsOf(node, name).filter((symbol) => symbol !== undefined);
    const isOwn = (symbol) => symbol.declarations?.length > 0 && symbol.declarations.every(isOurs);
    if (symbols.length === 0 || !symbols.every(isOwn)) this.keep(name.text);
  }

  /** Where an object of the platform is taken for one of our own types, as a BroadcastChannel is for a port, it must find its names there. */
  keepStandIn(node) {
    const checker = this.#checker;
    if (ts.isAsExpression(node)) {
      // Claimed, not checked, of what is not ours: the global object, JSON that was parsed.
      if (this.#isForeign(node.expression)) this.#keepType(checker.getTypeAtLocation(node));
    }
    if (!ts.isExpression(node) || node.parent === undefined || ts.isExpressionWithTypeArguments(node)) return;
    const wanted = checker.getContextualType(node);
    if (wanted !== undefined) this.#keepMet(checker.getTypeAtLocation(node), wanted);
  }

  #isForeign(expression) {
    if (ts.isArrayLiteralExpression(expression) || ts.isObjectLiteralExpression(expression)) return false;
    if (ts.isCallExpression(expression)) {
      const declaration = this.#checker.getResolvedSignature(expression)?.declaration;
      return declaration === undefined || !isOurs(declaration);
    }
    const type = this.#checker.getTypeAtLocation(expression);
    return (type.flags & ts.TypeFlags.Object) !== 0 && !isOfOurs(type);
  }

  #keepMet(given, wanted) {
    const pair = `${given.id} ${wanted.id}`;
    if (this.#met.has(pair)) return;
    this.#met.add(pair);
    const parts = (type) =>
      (type.isUnionOrIntersection() ? type.types : [type]).filter(({ flags }) => flags & ts.TypeFlags.Object);
    const madeBy = (type) =>
      [...type.getCallSignatures(), ...type.getConstructSignatures()].map((each) => each.getReturnType());
    for (const mine of parts(wanted)) {
      for (const other of parts(given)) {
        if (mine === other) continue;
        if (isOfOurs(mine) && !isOfOurs(other) && mine.getProperties().some(({ name }) => other.getProperty(name)))
          this.#keepType(mine);
        const argumentsOfMine = this.#checker.getTypeArguments(mine) ?? [];
        for (const [i, type] of (this.#checker.getTypeArguments(other) ?? []).entries()) {
          if (argumentsOfMine[i] !== undefined) this.#keepMet(type, argumentsOfMine[i]);
        }
        for (const made of madeBy(other)) for (const asked of madeBy(mine)) this.#keepMet(made, asked);
      }
    }
  }

  #symbolsOf(node, name) {
    const checker = this.#checker;
    if (ts.isBindingElement(node)) return [checker.getTypeAtLocation(node.parent).getProperty(name.text)];
    const own = checker.getSymbolAtLocation(name);
    if (ts.isObjectLiteralElementLike(node) && ts.isObjectLiteralExpression(node.parent)) {
      const wanted = checker.getContextualType(node.parent);
      const types = wanted === undefined ? [] : wanted.isUnionOrIntersection() ? wanted.types : [wanted];
      return [own, ...types.map((type) => type.getProperty(name.text))];
    }
    if (ts.isClassLike(node.parent)) {
      const bases = (node.parent.heritageClauses ?? []).flatMap((clause) => [...clause.types]);
      return [own, ...bases.map((base) => checker.getTypeAtLocation(base).getProperty(name.text))];
    }
    return [own];
  }

  /** All names in a type, and in what it is made of. */
  #keepType(type) {
    if (type === undefined || this.#seen.has(type)) return;
    this.#seen.add(type);
    const checker = this.#checker;
    if (type.isStringLiteral()) this.texts.add(type.value);
    for (const argument of type.aliasTypeArguments ?? []) this.#keepType(argument);
    if (type.isUnionOrIntersection()) for (const part of type.types) this.#keepType(part);
    if (type.isTypeParameter()) this.#keepType(type.getConstraint());
    if (!(type.flags & ts.TypeFlags.Object)) return;
    for (const argument of checker.getTypeArguments(type) ?? []) this.#keepType(argument);
    if (type.symbol?.declarations?.length > 0 && !type.symbol.declarations.some(isOurs)) return;
    for (const property of type.getProperties()) {
      if (property.declarations?.some((each) => ts.isPrivateIdentifier(each.name ?? each))) continue;
      this.keep(property.name);
      this.#keepType(checker.getTypeOfSymbol(property));
    }
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      for (const parameter of signature.getParameters()) this.#keepType(checker.getTypeOfSymbol(parameter));
      for (const parameter of signature.getTypeParameters() ?? []) this.#keepType(parameter.getConstraint());
      this.#keepType(signature.getReturnType());
    }
    for (const { type: indexed } of checker.getIndexInfosOfType(type)) this.#keepType(indexed);
  }
}

function isModule({ symbol }) {
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.ValueModule) !== 0;
}

function isOfOurs(type) {
  const declarations = type.symbol?.declarations ?? [];
  return declarations.length > 0 && declarations.every(isOurs);
}

/** What only stands for the platform, as `universal.d.ts` does, is not. */
function isOurs(declaration) {
  const { fileName } = declaration.getSourceFile();
  return fileName.startsWith(packages) && !fileName.includes('/node_modules/') && !fileName.endsWith('.d.ts');
}
