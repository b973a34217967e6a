// Words that messages inside of the bundle are told apart by, said shorter in the production build, for `program.mjs`: on the wire they are numbers, and nobody
// outside sees the messages themselves. Each is listed; that none of them means anything else, or gets out, is seen to here.
import ts from 'typescript';

/** Of messages between client and server and of commands; not of feeds, whose messages tabs of other builds get as they are. */
const words = [
  'watchCancelled',
  'watchCreated',
  'watchEvents',
  'watchProgress',
  'statusResult',
  'adminResult',
  'openSession',
  'closeSession',
  'keepAlive',
];
const short = new Map(words.map((word, i) => [word, String.fromCharCode(97 + i)]));

export function editsOfWords(node) {
  const word = short.get(node.text);
  if (word === undefined) return [];
  const start = node.getStart();
  if (ts.isStringLiteralLike(node)) {
    return ts.isLiteralTypeNode(node.parent) ? [] : [{ start, end: node.end, text: `'${word}'` }];
  }
  if (!ts.isIdentifier(node) || !isPropertyName(node)) return [];
  if (!isInTable(node.parent)) throw new Error(`${node.getSourceFile().fileName}: ${node.text} names a property`);
  const text = ts.isShorthandPropertyAssignment(node.parent) ? `${word}: ${node.text}` : word;
  return [{ start, end: node.end, text }];
}

/** `texts`: what values that leave the bundle may be. */
export function expectInside(texts) {
  const outside = words.filter((word) => texts.has(word));
  if (outside.length > 0) throw new Error(`${outside.join()} can be seen from outside`);
}

function isPropertyName({ parent, text }) {
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === text;
  return ts.isObjectLiteralElementLike(parent) && parent.name.text === text;
}

/** Of variants: `tagged('message', { … })`. */
function isInTable({ parent }) {
  return ts.isCallExpression(parent.parent) && parent.parent.expression.getText() === 'tagged';
}
