// What the production build writes shorter than the sources do, piece by piece, where the type checker says that it means the same: for `program.mjs`, which goes
// through the sources. Property names are its own business.
import ts from 'typescript';

/** A parameter or a variable of this name holds a sentence for people. */
const sentences = new Set(['message', 'problem', 'reason', 'why', 'expected', 'what', 'hint', 'suffix']);

/** Pieces of the source around this node, and what stands there instead. */
export function editsIn(node, checker) {
  return [...sentencesIn(node, checker), ...marksIn(node), ...testsIn(node, checker)];
}

/** What becomes of the sentences among the arguments of this call, or in this variable. */
function sentencesIn(node, checker) {
  if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && sentences.has(node.name.text)) {
    return node.initializer === undefined ? [] : shortened(node.initializer);
  }
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return [];
  const parameters = checker.getResolvedSignature(node)?.getParameters() ?? [];
  return (node.arguments ?? []).flatMap((argument, i, all) => {
    if (!sentences.has(parameters[i]?.name)) return [];
    // Nothing is what an error says where it says nothing.
    if (isError(node) && i === all.length - 1 && isPlainText(argument))
      return [{ start: all[0].end, end: argument.end, text: '' }];
    return shortened(argument);
  });
}

/** Constants of a module are made without effect, so that an app's bundler can leave out those that nobody uses. */
function marksIn(node) {
  if (!ts.isVariableStatement(node) || !ts.isSourceFile(node.parent)) return [];
  const marks = [];
  const mark = (inner) => {
    if (ts.isFunctionLike(inner)) return;
    const isMade = ts.isCallExpression(inner) || ts.isNewExpression(inner);
    if (isMade) marks.push({ start: inner.getStart(), end: inner.getStart(), text: '/* @__PURE__ */ ' });
    ts.forEachChild(inner, mark);
  };
  mark(node);
  return marks;
}

/** Of a sentence the values that stand in it are left: `': 127.0.0.1:8080 3000'`. */
function shortened(node) {
  if (ts.isConditionalExpression(node)) return [...shortened(node.whenTrue), ...shortened(node.whenFalse)];
  if (ts.isBinaryExpression(node)) return shortened(node.right);
  const start = node.getStart();
  if (isPlainText(node)) return [{ start, end: node.end, text: "''" }];
  if (!ts.isTemplateExpression(node)) return [];
  const spans = node.templateSpans;
  return spans.flatMap(({ expression, literal }, i) => [
    {
      start: i === 0 ? start : spans[i - 1].expression.end,
      end: expression.getStart(),
      text: i === 0 ? '`: ${' : '} ${',
    },
    ...(i === spans.length - 1 ? [{ start: expression.end, end: literal.end, text: '}`' }] : []),
  ]);
}

/** What is marked `@server` no page calls: the half of a layout that the other side uses. Nothing in it is looked at. */
export function isForServers(node) {
  return ts.isMethodDeclaration(node) || ts.isPropertyAssignment(node)
    ? ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'server')
    : false;
}

/** It goes with its comma. */
export function withoutIt(node) {
  const after = /^\s*,/.exec(node.getSourceFile().text.slice(node.end));
  return { start: node.getStart(), end: node.end + (after?.[0].length ?? 0), text: '' };
}

function isError(node) {
  return ts.isNewExpression(node) && node.expression.getText() === 'RaftkvError';
}

function isPlainText(node) {
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node);
}

/** `found === undefined` is `!found`, where nothing else that it may be is false. */
function testsIn(node, checker) {
  if (!ts.isBinaryExpression(node) || !ts.isIdentifier(node.right) || node.right.text !== 'undefined') return [];
  const { kind } = node.operatorToken;
  const isSame = kind === ts.SyntaxKind.EqualsEqualsEqualsToken;
  if (!isSame && kind !== ts.SyntaxKind.ExclamationEqualsEqualsToken) return [];
  if (!isTrueOrUndefined(checker.getTypeAtLocation(node.left))) return [];
  const start = node.left.getStart();
  return [
    { start, end: start, text: isSame ? '!(' : '!!(' },
    { start: node.left.end, end: node.end, text: ')' },
  ];
}

/** No number, no text that may be empty, nothing of which little is known. */
function isTrueOrUndefined(type) {
  if (type.isUnion()) return type.types.every(isTrueOrUndefined);
  if (type.isIntersection()) return type.types.some(isTrueOrUndefined);
  if (type.isStringLiteral()) return type.value !== '';
  return (
    (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.NonPrimitive | ts.TypeFlags.Undefined | ts.TypeFlags.Void)) !== 0
  );
}
