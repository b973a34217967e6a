// The open requests of one client: admitted up to a limit, and counted in the metrics, by kind, outcome and time taken, when they end. One
// table for both, so that whatever is admitted is also counted.
import type { Metrics, OperationName, OperationResult } from './metrics.ts';

interface OpenRequest {
  operation: OperationName;
  readonly startedAt: number;
}

export class ClientRequests {
  readonly #metrics: Metrics | undefined;
  readonly #now: () => number;
  readonly #open = new Map<number, OpenRequest>();

  constructor(metrics: Metrics | undefined, now: () => number) {
    this.#metrics = metrics;
    this.#now = now;
  }

  get count(): number {
    return this.#open.size;
  }

  has(id: number): boolean {
    return this.#open.has(id);
  }

  /** `startedAt` in the clock's milliseconds. */
  open(id: number, operation: OperationName, startedAt: number): void {
    this.#open.set(id, { operation, startedAt });
  }

  /** What it is turned out only when its command was decoded. */
  name(id: number, operation: OperationName): void {
    const request = this.#open.get(id);
    if (request !== undefined) request.operation = operation;
  }

  end(id: number, result: OperationResult): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    this.#open.delete(id);
    // A digest is waited for until there is something new: how long that takes says nothing of this node.
    const seconds = request.operation === 'digest' ? 0 : (this.#now() - request.startedAt) / 1000;
    this.#metrics?.observe(request.operation, result, seconds);
  }
}
