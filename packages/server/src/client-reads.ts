// The reads of one client: those of one frame are confirmed together, by one round through the quorum, and answered from memory as far as
// the channel takes the answers. A read that waits holds its request and nothing else.
import type { GetResult, ScanResult } from '@raftkv/kv';
import { RaftkvError } from '@raftkv/wire';
import type { GetRequest, ScanRequest } from '@raftkv/wire';
import type { ClientAnswers } from './client-answers.ts';
import type { KvNode } from './node-api.ts';

export type ReadRequest = GetRequest | ScanRequest;

export interface ClientReadsHandlers {
  readonly onResult: (id: number, result: GetResult | ScanResult) => void;
  readonly onError: (id: number, error: unknown) => void;
  /** Reads are ready to be answered. */
  readonly onReady: () => void;
}

export class ClientReads {
  readonly #node: KvNode;
  readonly #answers: ClientAnswers;
  readonly #maxPageBytes: number;
  readonly #handlers: ClientReadsHandlers;
  /** Of the present frame, to be confirmed. */
  #arriving: ReadRequest[] = [];
  /** Whose level is reached, from `#next` on. */
  #ready: ReadRequest[] = [];
  #next = 0;

  constructor(node: KvNode, answers: ClientAnswers, maxPageBytes: number, handlers: ClientReadsHandlers) {
    this.#node = node;
    this.#answers = answers;
    this.#maxPageBytes = maxPageBytes;
    this.#handlers = handlers;
  }

  add(request: ReadRequest): void {
    if (request.type === 'get' && request.key.length === 0) {
      this.#handlers.onError(request.id, new RaftkvError('key_empty', 'a key has at least one byte'));
    } else if (request.level === 'linearizable') this.#arriving.push(request);
    else if (request.level === 'local' || request.minRevision <= this.#node.revision) this.#ready.push(request);
    else this.#awaitRevision(request);
  }

  endOfFrame(): void {
    if (this.#next < this.#ready.length) this.#handlers.onReady();
    if (this.#arriving.length === 0) return;
    const requests = this.#arriving;
    this.#arriving = [];
    this.#node.linearize().then(
      () => {
        for (const request of requests) this.#ready.push(request);
        this.#handlers.onReady();
      },
      (error: unknown) => {
        for (const request of requests) this.#handlers.onError(request.id, error);
      },
    );
  }

  /** Answers what is ready, until the channel is full. */
  answer(): void {
    while (this.#next < this.#ready.length && !this.#answers.isFull) {
      const request = this.#ready[this.#next]!;
      this.#next += 1;
      try {
        if (request.type === 'get') this.#get(request);
        else this.#scan(request);
      } catch (error) {
        this.#handlers.onError(request.id, error);
      }
    }
    if (this.#next < this.#ready.length) return;
    this.#ready = [];
    this.#next = 0;
  }

  clear(): void {
    this.#arriving = [];
    this.#ready = [];
    this.#next = 0;
  }

  #get(request: GetRequest): void {
    this.#handlers.onResult(request.id, this.#node.getLocal(request.key, request));
  }

  #scan(request: ScanRequest): void {
    const { options } = request;
    const maxBytes = Math.min(options.maxBytes ?? this.#maxPageBytes, this.#maxPageBytes);
    this.#handlers.onResult(request.id, this.#node.scanLocal(request.range, { ...options, maxBytes }));
  }

  /** The node waits until it has come that far, whatever the key; the read itself is then made like all others. */
  #awaitRevision(request: ReadRequest): void {
    const { level, minRevision } = request;
    this.#node.get(request.type === 'get' ? request.key : '\0', { level, minRevision }).then(
      () => {
        this.#ready.push(request);
        this.#handlers.onReady();
      },
      (error: unknown) => this.#handlers.onError(request.id, error),
    );
  }
}
