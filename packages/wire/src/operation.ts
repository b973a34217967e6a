// The layout of what a command asks for: puts, deletes, transactions and what keeps a session, each an array that begins with a small tag.
// `command.ts` puts an envelope around it.
import type { BatchCommand, Command } from '@raftkv/kv';
import { fields, list, positive, tagged, uint } from './layout.ts';
import type { Layout } from './layout.ts';
import { txn } from './rare.ts';
import { writes } from './write-operation.ts';

const ops: Layout<BatchCommand['ops']> = list(tagged('operation', writes));

export const command: Layout<Command> = tagged<Command>('command', {
  ...writes,
  batch: [4, fields({ ops })],
  txn,
  compact: [6, fields({ revision: uint })],
  openSession: [7, fields({})],
  keepAlive: [8, fields({ clientId: positive })],
  closeSession: [9, fields({ clientId: positive })],
});
