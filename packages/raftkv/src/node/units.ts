// Durations and sizes as people write them in the config file and in flags: `300ms`, `5s`, `100MB`, `64KiB`.
import { RaftkvError } from '@raftkv/wire';

const millisecondsOf: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const bytesOf: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** A timer that should take longer fires at once. */
const maxMilliseconds = 24 * 24 * 3_600_000;

/** Milliseconds. Throws `config_invalid` that names `what`. */
export function parseDuration(what: string, text: unknown): number {
  const milliseconds = parseQuantity(what, text, millisecondsOf, 'a duration such as 300ms, 5s or 1m');
  if (milliseconds <= maxMilliseconds) return milliseconds;
  throw new RaftkvError('config_invalid', `${what}: ${JSON.stringify(text)} is longer than 24 days`);
}

/** Bytes. Throws `config_invalid` that names `what`. */
export function parseSize(what: string, text: unknown): number {
  if (typeof text === 'number' && Number.isSafeInteger(text) && text >= 0) return text;
  return parseQuantity(what, text, bytesOf, 'a size such as 64KiB, 100MB or 1GB');
}

function parseQuantity(what: string, text: unknown, units: Readonly<Record<string, number>>, expected: string): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-zA-Z]+)$/.exec(text.trim()) : null;
  const unit = match === null ? undefined : units[match[2]!];
  const quantity = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(quantity)) {
    throw new RaftkvError('config_invalid', `${what}: ${JSON.stringify(text)} is not ${expected}`);
  }
  return quantity;
}
