// Typed reading of a message's fields, by the rules of protobuf's JSON form: snake_case or camelCase (which wins), null
// and absence alike mean the zero value, 64-bit numbers as numbers or strings, enums by name or number, unknown fields
// ignored. Faults are refusals in etcd's words.
import type { Key } from '@raftkv/kv';
import { decodeBytes, decodeKey } from './base64.ts';
import { JsonNumber } from './json.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { invalid } from './refusal.ts';

/** The two names of one field. */
export interface FieldName {
  readonly snake: string;
  readonly camel: string;
}

export function fieldName(snake: string): FieldName {
  return { snake, camel: snake.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) };
}

/** A whole message: an object, or nothing. */
export function asMessage(value: JsonValue | undefined): JsonObject | undefined {
  if (value === null || value === undefined) return undefined;
  if (isObject(value)) return value;
  throw wrongType(value, 'map[string]json.RawMessage');
}

export function messageField(message: JsonObject, name: FieldName): JsonObject | undefined {
  return asMessage(fieldOf(message, name));
}

/** The items of a repeated field. An item that is null is handed on: its reader refuses it. */
export function listField(message: JsonObject, name: FieldName): readonly JsonValue[] {
  const value = fieldOf(message, name);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw wrongType(value, '[]json.RawMessage');
}

/** Absent = empty. */
export function keyField(message: JsonObject, name: FieldName): Key {
  const value = fieldOf(message, name);
  if (value === undefined) return '';
  if (typeof value === 'string') return decodeKey(value);
  if (Array.isArray(value)) return listedBytes(value).reduce((key, byte) => key + String.fromCharCode(byte), '');
  throw wrongType(value, '[]uint8');
}

export function bytesField(message: JsonObject, name: FieldName): Uint8Array | undefined {
  const value = fieldOf(message, name);
  if (value === undefined) return undefined;
  if (typeof value === 'string') return decodeBytes(value);
  if (Array.isArray(value)) return Uint8Array.from(listedBytes(value));
  throw wrongType(value, '[]uint8');
}

/** Go's decoder takes bytes as a list of numbers too; a null in it is a zero. */
function listedBytes(items: readonly JsonValue[]): number[] {
  return items.map((item) => {
    if (item === null) return 0;
    if (typeof item === 'string' || (typeof item !== 'number' && !(item instanceof JsonNumber))) {
      throw wrongType(item, 'uint8');
    }
    const text = numberText(item)!;
    if (/^\d{1,3}$/.test(text) && Number(text) < 256) return Number(text);
    throw invalid(`json: cannot unmarshal number ${text} into Go value of type uint8`);
  });
}

export function booleanField(message: JsonObject, name: FieldName): boolean {
  const value = fieldOf(message, name);
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw wrongType(value, 'bool');
}

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/** A signed 64-bit number, every digit of it. */
export function int64Field(message: JsonObject, name: FieldName): bigint {
  const value = fieldOf(message, name);
  if (value === undefined) return 0n;
  const text = numberText(value);
  if (text === undefined) throw wrongType(value, 'int64');
  const number = /^-?(?:0|[1-9]\d*)$/.test(text) ? BigInt(text) : undefined;
  if (number === undefined || number > maxInt64 || number < minInt64) throw wrongNumber(text, 'int64');
  return number;
}

/** An unsigned one: ids. */
export function uint64Field(message: JsonObject, name: FieldName): bigint {
  const value = fieldOf(message, name);
  if (value === undefined) return 0n;
  const text = numberText(value);
  if (text === undefined) throw wrongType(value, 'uint64');
  const number = /^(?:0|[1-9]\d*)$/.test(text) ? BigInt(text) : undefined;
  if (number === undefined || number > 2n ** 64n - 1n) throw wrongNumber(text, 'uint64');
  return number;
}

/**
 * A revision, version or limit as the number that the state machine counts in. What lies beyond 2^53 is
 * cut to it: no counter of ours gets there, so that every comparison comes out the same.
 */
export function countField(message: JsonObject, name: FieldName): number {
  const value = fieldOf(message, name);
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const number = int64Field(message, name);
  if (number > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (number < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return Number(number);
}

/** One of an enumeration's numbers; a number without a name is handed on, a name that is unknown is refused. */
export interface EnumType {
  readonly goName: string;
  readonly names: readonly string[];
}

export function enumField(message: JsonObject, name: FieldName, type: EnumType): number {
  const value = fieldOf(message, name);
  return value === undefined ? 0 : enumValue(value, type);
}

export function enumValue(value: JsonValue, type: EnumType): number {
  if (typeof value === 'string') {
    const number = type.names.indexOf(value);
    if (number < 0) throw invalid(`unknown value ${JSON.stringify(value)} for enum ${type.goName}`);
    return number;
  }
  const text = numberText(value);
  if (text === undefined) throw wrongType(value, type.goName);
  const number = Number(text);
  if (!Number.isInteger(number) || Math.abs(number) > 0x7fffffff) throw wrongNumber(text, type.goName);
  return number;
}

function fieldOf(message: JsonObject, name: FieldName): JsonValue | undefined {
  const value = message[name.camel] ?? message[name.snake];
  return value === null ? undefined : value;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

function numberText(value: JsonValue): string | undefined {
  if (typeof value === 'number') return String(value);
  if (value instanceof JsonNumber) return value.text;
  return typeof value === 'string' ? value : undefined;
}

/** What the decoder says of a text that is not a 64-bit number: of a string it looks at the content. */
function wrongNumber(text: string, goType: string): Error {
  if (text === '') return invalid('unexpected end of JSON input');
  const digits = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text)?.[0] ?? '';
  if (digits === text) return invalid(`json: cannot unmarshal number ${text} into Go value of type ${goType}`);
  const unit = JSON.stringify(text[digits.length]).replaceAll('"', "'");
  const where = digits === '' ? 'looking for beginning of value' : 'after top-level value';
  return invalid(`invalid character ${unit} ${where}`);
}

function wrongType(value: JsonValue, goType: string): Error {
  return invalid(`json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type ${goType}`);
}

function jsonTypeOf(value: JsonValue): string {
  if (value instanceof JsonNumber || typeof value === 'number') return 'number';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? 'array' : 'object';
}
