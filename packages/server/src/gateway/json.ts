// JSON as the gateway's clients send it: numbers keep every digit, what follows the first value is not looked at (as
// in etcd), and a fault is told in the words of etcd's (Go's) decoder. The common text goes through JSON.parse.
import { invalid } from './refusal.ts';

/** A number that a double may not hold, or that is not written as plain digits, as its text. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}
export type JsonValue = null | boolean | string | number | JsonNumber | readonly JsonValue[] | JsonObject;

/** Deeper nesting is refused, so that hostile text cannot exhaust the stack. */
const maxDepth = 200;

/** A number with 16 digits or more, a fraction or an exponent. Base64 text cannot look like one: it holds no `:`, `[`, `,` or blank. */
const needsCare = /[:[,\s]-?(?:\d{16}|\d+[.eE])/;

/** The first JSON value of `text`, or undefined if there is none. Throws a refusal on malformed text. */
export function parseJson(text: string): JsonValue | undefined {
  if (!needsCare.test(text)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // Told below, in the right words; or there is merely something after the value.
    }
  }
  const parser = new Parser(text);
  parser.skipBlanks();
  return parser.atEnd ? undefined : parser.value(0);
}

class Parser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  skipBlanks(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== 32 && unit !== 10 && unit !== 13 && unit !== 9) return;
      this.at++;
    }
  }

  value(depth: number): JsonValue {
    if (depth > maxDepth) throw invalid('exceeded max depth');
    this.skipBlanks();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.literal('true', true);
      case 'f':
        return this.literal('false', false);
      case 'n':
        return this.literal('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const fields: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
    this.at++;
    this.skipBlanks();
    if (this.take('}')) return fields;
    for (;;) {
      this.skipBlanks();
      if (this.text[this.at] !== '"') throw this.unexpected('looking for beginning of object key string');
      const name = this.string();
      this.skipBlanks();
      if (!this.take(':')) throw this.unexpected('after object key');
      fields[name] = this.value(depth + 1);
      this.skipBlanks();
      if (this.take('}')) return fields;
      if (!this.take(',')) throw this.unexpected('after object key:value pair');
    }
  }

  private array(depth: number): readonly JsonValue[] {
    const items: JsonValue[] = [];
    this.at++;
    this.skipBlanks();
    if (this.take(']')) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      this.skipBlanks();
      if (this.take(']')) return items;
      if (!this.take(',')) throw this.unexpected('after array element');
    }
  }

  private string(): string {
    const start = this.at++;
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit === 34) break;
      if (!(unit >= 32)) throw this.unexpected('in string literal');
      this.at += 1;
      if (unit === 92) {
        if (!/^["\\/bfnrtu]/.test(this.text.slice(this.at, this.at + 1)))
          throw this.unexpected('in string escape code');
        this.at += 1;
      }
    }
    this.at++;
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      throw invalid('invalid character in \\u hexadecimal character escape');
    }
  }

  private literal<T>(word: string, value: T): T {
    for (let index = 1; index < word.length; index++) {
      this.at++;
      if (this.text[this.at] !== word[index]) {
        throw this.unexpected(`in literal ${word} (expecting '${word[index]!}')`);
      }
    }
    this.at++;
    return value;
  }

  private number(): number | JsonNumber {
    const pattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    pattern.lastIndex = this.at;
    const digits = pattern.exec(this.text)?.[0];
    if (digits === undefined) {
      const isNumeric = this.take('-');
      throw this.unexpected(isNumeric ? 'in numeric literal' : 'looking for beginning of value');
    }
    this.at += digits.length;
    this.refuseUnfinished(digits);
    const isPlain = /^-?\d{1,15}$/.test(digits);
    return isPlain ? Number(digits) : new JsonNumber(digits);
  }

  /** What goes on after a whole number is a fraction or an exponent without digits. */
  private refuseUnfinished(digits: string): void {
    const unit = this.text[this.at];
    const isFraction = unit === '.' && !/[.eE]/.test(digits);
    if (!isFraction && !(/[eE]/.test(unit ?? '') && !/[eE]/.test(digits))) return;
    this.at++;
    if (!isFraction && /[+-]/.test(this.text[this.at] ?? '')) this.at++;
    throw this.unexpected(isFraction ? 'after decimal point in numeric literal' : 'in exponent of numeric literal');
  }

  private take(unit: string): boolean {
    if (this.text[this.at] !== unit) return false;
    this.at++;
    return true;
  }

  private unexpected(where: string): Error {
    const unit = this.text[this.at];
    if (unit === undefined) return invalid('unexpected EOF');
    return invalid(`invalid character ${quoted(unit)} ${where}`);
  }
}

function quoted(unit: string): string {
  if (unit === "'") return `'\\''`;
  if (unit === '"') return `'"'`;
  return `'${JSON.stringify(unit).slice(1, -1)}'`;
}
