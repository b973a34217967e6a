// Readers share a confirmation, and wait until the state has come that far.
import type { RaftkvError } from '@raftkv/wire';
import { describe, expect, it } from 'vitest';
import { Reads } from '../src/reads.ts';

function reader(reads: Reads): (RaftkvError | undefined)[] {
  const told: (RaftkvError | undefined)[] = [];
  reads.add((error) => told.push(error));
  return told;
}

describe('reads', () => {
  it('puts all readers of one turn under one context', () => {
    const reads = new Reads();
    const told = [reader(reads), reader(reads)];
    const context = reads.takeContext(100)!;
    expect(reads.takeContext(100)).toBeUndefined();
    reads.confirm({ context, index: 4 }, 4);
    expect(told).toEqual([[undefined], [undefined]]);
    expect(reads.openCount).toBe(0);
  });

  it('does not let a reader of a later turn ride on an earlier confirmation', () => {
    const reads = new Reads();
    const first = reader(reads);
    const context = reads.takeContext(100)!;
    const second = reader(reads);
    reads.confirm({ context, index: 0 }, 0);
    expect(first).toEqual([undefined]);
    expect(second).toEqual([]);
  });

  it('waits until the confirmed index is applied', () => {
    const reads = new Reads();
    const told = reader(reads);
    reads.confirm({ context: reads.takeContext(100)!, index: 7 }, 5);
    reads.applied(6);
    expect(told).toEqual([]);
    reads.applied(7);
    expect(told).toEqual([undefined]);
  });

  it('passes a refusal to each of them', () => {
    const reads = new Reads();
    const told = [reader(reads), reader(reads)];
    reads.confirm({ context: reads.takeContext(100)!, refused: 'no-leader' }, 5);
    expect(told.map(([error]) => error?.code)).toEqual(['no_leader', 'no_leader']);
  });

  it('ends readers whose time is over, confirmed or not', () => {
    const reads = new Reads();
    const unconfirmed = reader(reads);
    reads.takeContext(10);
    const waiting = reader(reads);
    reads.confirm({ context: reads.takeContext(12)!, index: 9 }, 5);
    reads.expire(11);
    expect(unconfirmed[0]?.code).toBe('timeout');
    expect(waiting).toEqual([]);
    reads.expire(12);
    expect(waiting[0]?.code).toBe('timeout');
    expect(reads.openCount).toBe(0);
  });
});
