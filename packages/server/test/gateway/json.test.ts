// The careful JSON parser against JSON.parse and hostile text, and the splitter of streams against every cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countField, fieldName, int64Field } from '../../src/gateway/fields.ts';
import { JsonSplitter } from '../../src/gateway/json-splitter.ts';
import { JsonNumber, parseJson } from '../../src/gateway/json.ts';
import type { JsonObject, JsonValue } from '../../src/gateway/json.ts';

describe('parseJson', () => {
  it('keeps every digit of a number that a double cannot hold', () => {
    const message = parseJson('{"ID":9223372036854775807,"n":-9007199254740993}') as JsonObject;
    expect(int64Field(message, fieldName('ID'))).toBe(9223372036854775807n);
    expect(int64Field(message, fieldName('n'))).toBe(-9007199254740993n);
    expect(countField(message, fieldName('ID'))).toBe(Number.MAX_SAFE_INTEGER);
    for (const digits of ['9007199254740993', '1234567890123456789', '-9007199254740993']) {
      const lone = parseJson(`{"ID":${digits}}`) as JsonObject;
      expect(int64Field(lone, fieldName('ID'))).toBe(BigInt(digits));
    }
  });

  it('reads any JSON as JSON.parse does, also by its own parser', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        // What follows the value makes JSON.parse give up, so that the careful parser reads it.
        expect(plain(parseJson(`${text} ,`))).toEqual(plain(JSON.parse(text) as JsonValue));
        expect(plain(parseJson(text))).toEqual(plain(JSON.parse(text) as JsonValue));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('refuses every cut of a message as etcd does, and never throws anything else', () => {
    const text = '{"key":"YQ==","n":[1,{"a\\u00e9":null}],"t":true,"f":-1.5e3}';
    for (let length = 1; length < text.length; length++) {
      expect(() => parseJson(text.slice(0, length))).toThrow('unexpected EOF');
    }
    expect(parseJson('  \n')).toBeUndefined();
  });

  it('never hangs, overflows or throws a foreign error on hostile text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[{}[\]",:\\u0-9eE+.truefalsn -]{0,60}$/), (text) => {
        try {
          parseJson(text);
        } catch (error) {
          expect((error as Error).name).toBe('Refusal');
        }
      }),
      { seed: 4, numRuns: 2000 },
    );
    for (const unit of ['[', '{"a":', '[1e5,']) expect(() => parseJson(unit.repeat(200_000))).toThrow(/depth|EOF/);
  });

  it('does not let a message reach the prototype of objects', () => {
    const message = parseJson('{"__proto__":{"key":"YQ=="},"n":1e5}') as JsonObject;
    expect(message['key']).toBeUndefined();
  });
});

describe('JsonSplitter', () => {
  it('cuts a stream into its values wherever the chunks end', () => {
    const values = ['{"a":"}{\\"]"}', '[1,[2]]', '{"b":{"c":[{}]}}'];
    const text = ` ${values.join('\n ')}`;
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const splitter = new JsonSplitter(1000);
        const ends = [...cuts, text.length].toSorted((a, b) => a - b);
        let start = 0;
        const found: string[] = [];
        for (const end of ends) {
          found.push(...splitter.push(text.slice(start, end)));
          start = end;
        }
        expect(found.map((one) => one.trim())).toEqual(values);
        expect(splitter.finish()).toBe('');
      }),
      { seed: 5 },
    );
  });

  it('refuses a value that grows beyond its limit', () => {
    const splitter = new JsonSplitter(10);
    expect(splitter.push('{"a":1}{"b":2}')).toHaveLength(2);
    expect(() => splitter.push('{"a":"bcdefgh')).toThrow('request is too large');
  });
});

/** Without the class around careful numbers and without prototypes. */
function plain(value: JsonValue | undefined): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map((item) => plain(item as JsonValue));
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.entries(value).map(([name, inner]) => [name, plain(inner)]);
}
