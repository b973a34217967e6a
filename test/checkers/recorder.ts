// Writes client operations down in the order in which they happened. The only place that hands out the numbers of that order;
// whoever runs clients (the simulator, a test) calls it, and the checkers read `operations`.
import type { SessionStamp } from '@raftkv/kv';
import type { Answer, ClientOperation, Read, Write } from './history.ts';

/** Told to the recorder once, by whoever waits for the answer. */
export interface OpenOperation {
  /** `details.copy` and `details.stamp` as in ClientOperation, where they are known by now. */
  answered(answer: Answer, details?: { readonly copy?: string; readonly stamp?: SessionStamp }): void;
  /** It failed and certainly did not happen. */
  refused(): void;
  /** It failed and may have happened. */
  lost(): void;
}

type Asked = Pick<ClientOperation, 'client' | 'request' | 'level' | 'copy' | 'stamp'>;

export class HistoryRecorder {
  readonly #done: ClientOperation[] = [];
  readonly #open = new Map<number, Asked>();
  #now = 0;

  /** The number of the next event. Also for what others record in the same order. */
  next(): number {
    return ++this.#now;
  }

  begin(
    client: string,
    request: Write | Read,
    details: Pick<ClientOperation, 'level' | 'copy' | 'stamp'> = {},
  ): OpenOperation {
    const call = this.next();
    const asked: Asked = { client, request, ...details };
    this.#open.set(call, asked);
    const end = (rest: Pick<ClientOperation, 'outcome'> & Partial<ClientOperation>): void => {
      if (!this.#open.delete(call)) throw new Error(`operation ${call} of ${client} ended twice`);
      this.#done.push({ ...asked, call, ret: this.next(), ...rest });
    };
    return {
      answered: (answer, more = {}) => end({ ...more, outcome: 'answered', answer }),
      refused: () => end({ outcome: 'refused' }),
      lost: () => end({ outcome: 'unknown', ret: null }),
    };
  }

  /** In order of call. What is still open has an unknown outcome; it may be asked for again later. */
  get operations(): readonly ClientOperation[] {
    const open = [...this.#open].map(([call, asked]) => ({ ...asked, call, ret: null, outcome: 'unknown' as const }));
    return [...this.#done, ...open].sort((a, b) => a.call - b.call);
  }
}
