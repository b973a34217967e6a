// What a caller and a copy may rely on below linearizability: at level `session` a caller reads its own writes, sees nothing older than
// it has seen, and writes behind it; at level `local` one copy never goes back; and whatever is shown is the whole content of some
// revision. One pass in the order of calls and returns.
import { agrees, describe } from './agree.ts';
import { isRead, name } from './history.ts';
import type { ClientOperation, Read } from './history.ts';
import { revisionTold, toldEffect } from './told-effect.ts';
import type { Truth } from './truth.ts';
import { holds, violation } from './verdict.ts';
import type { Verdict } from './verdict.ts';

interface Floor {
  readonly revision: number;
  readonly operation: ClientOperation | undefined;
}

const NOTHING: Floor = { revision: 1, operation: undefined };

export function checkSessions(operations: readonly ClientOperation[], truth: Truth): Verdict {
  const watcher = new SessionWatcher(truth);
  const events = operations
    .filter(({ outcome }) => outcome === 'answered')
    .flatMap((operation) => [
      { operation, at: operation.call, isCall: true },
      { operation, at: operation.ret!, isCall: false },
    ])
    .sort((a, b) => a.at - b.at);
  for (const { operation, isCall } of events) {
    const verdict = isCall ? watcher.called(operation) : watcher.returned(operation);
    if (verdict !== undefined) return verdict;
  }
  return holds('sessions');
}

class SessionWatcher {
  readonly #truth: Truth;
  readonly #clients = new Map<string, Floor>();
  readonly #copies = new Map<string, Floor>();
  /** The oldest revision whose content an operation can have been shown. */
  readonly #shown = new Map<ClientOperation, number>();

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  called(operation: ClientOperation): Verdict | undefined {
    const { request } = operation;
    return isRead(request) ? this.#read(operation, request) : this.#write(operation);
  }

  returned(operation: ClientOperation): undefined {
    const shown = this.#shown.get(operation) ?? revisionTold(operation.answer!);
    raise(this.#clients, operation.client, { revision: shown, operation });
    if (operation.copy !== undefined) raise(this.#copies, operation.copy, { revision: shown, operation });
  }

  /** Writes follow reads: an effect stands behind all that the caller had seen. */
  #write(operation: ClientOperation): Verdict | undefined {
    const { answer, client } = operation;
    const floor = this.#clients.get(client) ?? NOTHING;
    if (answer!.revision === undefined) return undefined;
    const isBehind =
      toldEffect(answer!) === true ? answer!.revision <= floor.revision : answer!.revision < floor.revision;
    return isBehind
      ? violation('writes follow reads', `${name(operation)} took effect at ${answer!.revision}; ${because(floor)}`)
      : undefined;
  }

  #read(operation: ClientOperation, request: Read): Verdict | undefined {
    const { level, client, copy, answer } = operation;
    const told = answer!.revision;
    const floors: [promise: string, floor: Floor][] = [];
    if (level !== 'local') floors.push(['session reads', this.#clients.get(client) ?? NOTHING]);
    if (copy !== undefined) floors.push(['a copy never goes back', this.#copies.get(copy) ?? NOTHING]);
    let from = 1;
    for (const [promise, floor] of floors) {
      if (told !== undefined && told < floor.revision)
        return violation(promise, `${name(operation)} shows revision ${told}; ${because(floor)}`);
      from = Math.max(from, floor.revision);
    }
    const found = this.#find(request, answer!, told ?? from, told ?? this.#truth.revision);
    if (found !== undefined) {
      this.#shown.set(operation, found);
      return undefined;
    }
    const older = told === undefined ? this.#find(request, answer!, 1, from - 1) : undefined;
    if (older === undefined) return violation('content', this.#explain(operation, request, told ?? from));
    const [promise, floor] = floors.find((each) => each[1].revision === from)!;
    return violation(
      promise,
      `${name(operation)} shows ${describe(answer)}, as of revision ${older}; ${because(floor)}`,
    );
  }

  #find(request: Read, answer: NonNullable<ClientOperation['answer']>, from: number, to: number): number | undefined {
    for (let revision = from; revision <= Math.min(to, this.#truth.revision); revision++) {
      if ((request.revision ?? 0) > revision) continue;
      if (agrees(answer, this.#truth.read(request, revision))) return revision;
    }
    return undefined;
  }

  #explain(operation: ClientOperation, request: Read, revision: number): string {
    const at = Math.min(revision, this.#truth.revision);
    return `${name(operation)} shows ${describe(operation.answer)}; at revision ${at} it should be ${describe(this.#truth.read(request, at))}`;
  }
}

function raise(floors: Map<string, Floor>, key: string, floor: Floor): void {
  if (floor.revision > (floors.get(key)?.revision ?? 1)) floors.set(key, floor);
}

function because({ revision, operation }: Floor): string {
  return operation === undefined ? 'it is the first' : `revision ${revision} had been shown by ${name(operation)}`;
}
