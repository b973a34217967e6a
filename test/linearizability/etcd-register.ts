// Reads the recorded histories of an etcd register (histories/README.md) into operations on one key. A line's number is its
// time. Called by etcd-register.test.ts only.
import type { Operation, OperationKind } from './history.ts';

const LINE = /^INFO {2}jepsen\.util - (\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*)$/;
const KINDS: Readonly<Record<string, OperationKind>> = { read: 'get', write: 'put', cas: 'cas' };

/** The operations of one recording. Throws on a line that it does not know. */
export function parseEtcdRegister(text: string): Operation[] {
  const operations: Operation[] = [];
  const open = new Map<number, Operation>();
  for (const [time, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = LINE.exec(line);
    if (match === null) throw new Error(`line ${time + 1}: not an event of a register: ${line}`);
    const [, client, event, verb, argument] = match as unknown as [string, string, string, string, string];
    const c = Number(client);
    if (event === 'invoke') {
      open.set(c, invoked(c, KINDS[verb]!, argument, time));
      continue;
    }
    const call = open.get(c);
    if (call === undefined) throw new Error(`line ${time + 1}: client ${c} has nothing open`);
    open.delete(c);
    const done = completed(call, event, argument, time);
    if (done !== undefined) operations.push(done);
  }
  // What never got an answer has an unknown outcome.
  return [...operations, ...open.values()];
}

function invoked(c: number, op: OperationKind, argument: string, call: number): Operation {
  const base = { c, op, k: 'register', call, ret: null, unk: true };
  const [first, second] = argument.replaceAll(/[[\]]/g, '').split(' ');
  if (op === 'put') return { ...base, v: first! };
  if (op === 'cas') return { ...base, old: first!, v: second! };
  return base;
}

function completed(call: Operation, event: string, argument: string, ret: number): Operation | undefined {
  if (event === 'info') return call;
  const known = { ...call, ret, unk: false };
  if (event === 'ok') {
    if (call.op === 'get') return { ...known, out: argument === 'nil' ? null : argument };
    return call.op === 'cas' ? { ...known, ok: true } : known;
  }
  // A failed cas did not match; a failed read saw nothing and says nothing.
  if (call.op === 'cas') return { ...known, ok: false };
  if (call.op === 'get') return undefined;
  throw new Error(`a write cannot fail: ${argument}`);
}
