// The layout of answers to commands and reads. They travel inside server frames only, and nest as transactions do.
import type { BatchResult, CommandError, CommandErrorCode } from '@raftkv/kv';
import { fields, list, oneOf, optional, positive, tagged, text, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { getResult, writes } from './plain-result.ts';
import type { AnyResult } from './plain-result.ts';
import { scanResult, txnResult } from './rare.ts';

const codes: readonly CommandErrorCode[] = [
  'compacted',
  'future_revision',
  'duplicate_key',
  'session_expired',
  'session_stale',
  'session_overflow',
  'invalid_argument',
];

export const result: Layout<AnyResult> = tagged<AnyResult>('result', {
  ...writes,
  get: getResult,
  scan: scanResult,
  batch: [5, fields<Omit<BatchResult, 'type'>>({ revision: uint, results: list(tagged('result', writes)) })],
  txn: txnResult,
  compact: [7, fields({ revision: uint })],
  session: [8, fields({ clientId: positive })],
  error: [
    9,
    fields<Omit<CommandError, 'type'>>({ code: oneOf(codes), message: text, compactedRevision: optional(uint) }),
  ],
});
