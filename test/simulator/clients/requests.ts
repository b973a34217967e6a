// What users of the cluster ask for, in the store's own words. Every value that is written is a text of its own, so that whoever reads it knows who wrote it.
import type { Command, Compare, GetOp, KeyRange, ScanOp } from '@raftkv/kv';
import type { ReadLevel } from '@raftkv/wire';
import type { Random } from '../world/random.ts';

export type Write = Extract<Command, { type: 'put' | 'delete' | 'deleteRange' | 'batch' | 'txn' | 'compact' }>;
export type Read = GetOp | ScanOp;

export interface Asked {
  readonly request: Write | Read;
  /** Of a read. */
  readonly level: ReadLevel;
}

const encoder = new TextEncoder();

/** The requests of one client. */
export class Requests {
  readonly #random: Random;
  readonly #name: string;
  readonly #keys: number;
  #texts = 0;

  constructor(random: Random, name: string, keys: number) {
    this.#random = random;
    this.#name = name;
    this.#keys = keys;
  }

  /** `revision`: the newest that this client has seen. */
  next(revision: number): Asked {
    const request = this.#draw(revision);
    const level = this.#random.pick(['linearizable', 'linearizable', 'linearizable', 'session', 'local'] as const);
    return { request, level };
  }

  #draw(revision: number): Write | Read {
    const draw = this.#random.below(100);
    const key = this.#key();
    if (draw < 32) return { type: 'put', key, value: this.#value() };
    if (draw < 40) return { type: 'delete', key };
    if (draw < 42) return { type: 'deleteRange', range: this.#range() };
    if (draw < 49) return this.#batch();
    if (draw < 57) return this.#txn(key, revision);
    if (draw < 58) return { type: 'compact', revision: Math.max(1, revision - this.#random.below(20)) };
    if (draw < 86) return { type: 'get', key };
    return { type: 'scan', range: this.#range(), reverse: this.#random.chance(0.3) };
  }

  #key(): string {
    return `k${this.#random.below(this.#keys)}`;
  }

  #value(): Uint8Array {
    const padding = this.#random.chance(0.05) ? '.'.repeat(this.#random.below(2000)) : '';
    return encoder.encode(`${this.#name}.${++this.#texts}${padding}`);
  }

  #range(): KeyRange {
    const from = this.#key();
    return this.#random.chance(0.5) ? { from: 'k', to: 'l' } : { from, to: `${from}~` };
  }

  /** A key may occur once. */
  #batch(): Write {
    const keys = this.#random.shuffle(Array.from({ length: this.#keys }, (_, at) => `k${at}`));
    const ops = keys.slice(0, 1 + this.#random.below(3)).map((key) => {
      return this.#random.chance(0.7)
        ? ({ type: 'put', key, value: this.#value() } as const)
        : ({ type: 'delete', key } as const);
    });
    return { type: 'batch', ops };
  }

  #txn(key: string, revision: number): Write {
    const compare = this.#random.pick<Compare>([
      { key, operator: 'equal', target: 'exists', exists: this.#random.chance(0.5) },
      { key, operator: 'less', target: 'revision', number: revision },
      { key, operator: 'greater', target: 'version', number: this.#random.below(3) },
    ]);
    const put = { type: 'put', key, value: this.#value() } as const;
    const other = { type: 'put', key: this.#key(), value: this.#value() } as const;
    return {
      type: 'txn',
      compare: [compare],
      then: [put, { type: 'get', key }],
      otherwise: this.#random.chance(0.5) ? [other] : [],
    };
  }
}

/** The texts that a write would write. */
export function textsOf(request: Write | Read): readonly Uint8Array[] {
  switch (request.type) {
    case 'put':
      return [request.value];
    case 'batch':
      return request.ops.flatMap((op) => (op.type === 'put' ? [op.value] : []));
    case 'txn':
      return [...request.then, ...request.otherwise].flatMap((op) => (op.type === 'put' ? [op.value] : []));
    default:
      return [];
  }
}
