// The lines of an import: where they end, what they hold, and the place that a digest marks.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { LineReader, readRow } from '../../../src/node/cli/rows.ts';

const directory = mkdtempSync(join(tmpdir(), 'raftkv-rows-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(content: string | Uint8Array): string {
  const file = join(directory, 'rows.ndjson');
  writeFileSync(file, content);
  return file;
}

async function readAll(reader: LineReader): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of reader) lines.push(line.toString('utf8'));
  return lines;
}

describe('the lines of a file', () => {
  it('are its bytes, cut after each line feed, and nowhere else', async () => {
    const content = fc.array(fc.constantFrom('\n', '\r', '\u2028', 'x', '\u0085', 'y'.repeat(200_000)), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(content, async (parts) => {
        const text = parts.join('');
        const lines = await readAll(new LineReader(fileOf(text)));
        expect(lines.join('')).toBe(text);
        expect(lines.every((line, at) => line.indexOf('\n') === line.length - 1 || at === lines.length - 1)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('have a mark before each, which tells whether what came before is the same', async () => {
    const marks = async (text: string): Promise<string[]> => {
      const reader = new LineReader(fileOf(text));
      const found: string[] = [];
      for await (const _ of reader) found.push(`${reader.mark().line} ${reader.mark().digest}`);
      found.push(`${reader.mark().line} ${reader.mark().digest}`);
      return found;
    };
    const [before, after] = [await marks('a\nb\nc\n'), await marks('a\nB\nc\n')];
    expect(before.map((mark) => mark.slice(0, 2))).toEqual(['0 ', '1 ', '2 ', '3 ']);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toBe(before[2]);
    expect(after[3]).not.toBe(before[3]);
  });

  it('are refused with their number when one never ends', async () => {
    const reader = new LineReader(fileOf(`first\n${'x'.repeat(17 * 1024 * 1024)}`));
    await expect(readAll(reader)).rejects.toMatchObject({
      code: 'request_too_large',
      message: expect.stringContaining('rows.ndjson:2:') as string,
    });
  });

  it('of a folder cannot be read', async () => {
    await expect(readAll(new LineReader(directory))).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a row', () => {
  const read = (line: string | Uint8Array): unknown => readRow(Buffer.from(line as string), 'file:7');

  it('has a key and a value, text as it is and the rest as JSON', () => {
    expect(read('{"key":"a","value":"b"}\n')).toEqual({ key: 'a', value: new TextEncoder().encode('b') });
    expect(read(' {"value":[1, 2],"key":"a"} \r\n')).toEqual({ key: 'a', value: new TextEncoder().encode('[1,2]') });
    expect(read(' \r\n')).toBeUndefined();
  });

  it('has a key that is no text as base64', () => {
    expect(read('{"keyBase64":"/2E=","value":"b"}\n')).toEqual({ key: '\xffa', value: new TextEncoder().encode('b') });
    expect(read('{"keyBase64":"YQ==","deleted":true}\n')).toEqual({ key: 'a', value: undefined });
    expect(read('{"key":"é","deleted":true}\n')).toEqual({ key: '\xc3\xa9', value: undefined });
    for (const [line, why] of [
      ['{"keyBase64":"?","value":"b"}', 'file:7: keyBase64 is not base64'],
      ['{"keyBase64":7,"value":"b"}', 'file:7: keyBase64 is not base64'],
      ['{"key":"a","keyBase64":"YQ==","value":"b"}', 'file:7: is none of'],
      ['{"key":7,"value":"b"}', 'file:7: key is no text'],
      ['{"key":"\\ud800","value":"b"}', 'file:7: the key is not well-formed text'],
    ] as const)
      expect(() => read(line)).toThrow(
        expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(why) }),
      );
    expect(() => read('{"keyBase64":"","value":"b"}')).toThrow(expect.objectContaining({ code: 'key_empty' }));
  });

  it('has what is no text as base64', () => {
    const bytes = new Uint8Array([0xff, 0, 10]);
    expect(read('{"key":"a","valueBase64":"/wAK"}\n')).toEqual({ key: 'a', value: Buffer.from(bytes) });
    expect(read('{"key":"a","valueBase64":""}\n')).toEqual({ key: 'a', value: Buffer.alloc(0) });
  });

  it('may say that its key is deleted', () => {
    expect(read('{"key":"a","deleted":true}\n')).toEqual({ key: 'a', value: undefined });
  });

  it.each([
    ['text that is no JSON', 'bad\n', 'invalid_argument'],
    ['a list', '[]', 'invalid_argument'],
    ['no key', '{"value":1}', 'invalid_argument'],
    ['no value', '{"key":"a"}', 'invalid_argument'],
    ['a value that is deleted', '{"key":"a","value":1,"deleted":true}', 'invalid_argument'],
    ['two values', '{"key":"a","value":1,"valueBase64":"AA=="}', 'invalid_argument'],
    ['base64 that is none', '{"key":"a","valueBase64":"A*=="}', 'invalid_argument'],
    ['base64 that is no text', '{"key":"a","valueBase64":1}', 'invalid_argument'],
    ['a deletion that is none', '{"key":"a","deleted":false}', 'invalid_argument'],
    ['a key that is no text', '{"key":1,"value":1}', 'invalid_argument'],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'invalid_argument'],
    ['an empty key', '{"key":"","value":1}', 'key_empty'],
    ['a key too large', JSON.stringify({ key: 'é'.repeat(2049), value: 1 }), 'key_too_large'],
    ['a value too large', JSON.stringify({ key: 'a', value: 'x'.repeat(1024 * 1024 + 1) }), 'value_too_large'],
  ])('is refused with its number for %s', (_, line, code) => {
    try {
      read(line);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code, message: expect.stringMatching(/^file:7: /) as string });
    }
  });
});
