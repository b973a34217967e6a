// The layouts of a scan: how it is asked for, and what is found. A page may never need them: `rare.ts` says how they come to those that do.
import type { ScanOptions, ScanResult } from '@raftkv/kv';
import type { ScanRequest } from './client.ts';
import { range } from './fields.ts';
import { bool, fields, flags, joined, optional, uint } from './layout.ts';
import type { Layout, Variant } from './layout.ts';
import { level } from './level.ts';
import { entries } from './plain-result.ts';

/** Four elements: flags, limit, maxBytes, revision. */
export const scanOptions: Layout<ScanOptions> = joined(
  flags('reverse', 'keysOnly', 'countOnly', 'withCount'),
  fields({ limit: optional(uint), maxBytes: optional(uint), revision: optional(uint) }),
);

export const scan: Variant<ScanRequest> = [
  4,
  fields<Omit<ScanRequest, 'type'>>({ id: uint, range, level, minRevision: uint, options: scanOptions }),
];

export const scanResult: Variant<ScanResult> = [
  4,
  fields({ revision: uint, more: bool, count: optional(uint), entries }),
];
