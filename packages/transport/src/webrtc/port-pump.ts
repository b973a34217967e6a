// The page's end of a data channel that the browser does not hand over to a worker: what the worker sends is given to the channel, and what the channel says goes
// to the worker. Nothing waits here: how much the channel holds is told, so that the worker sends no more than it would give to a channel of its own.
import type { DataPort } from './data-port.ts';
import type { PumpRequest, PumpWord } from './lent-message.ts';

export class PortPump {
  readonly #lent: DataPort;
  readonly #tell: (word: PumpWord, transfer?: object[]) => void;
  #lowBytes = 0;
  /** What the worker has sent and came here. */
  #takenBytes = 0;
  /** Of that, what has left as far as the worker knows. */
  #toldBytes = 0;

  constructor(lent: DataPort, tell: (word: PumpWord, transfer?: object[]) => void) {
    this.#lent = lent;
    this.#tell = tell;
    lent.binaryType = 'arraybuffer';
    lent.addEventListener('open', () => tell({ type: 'portOpened' }));
    lent.addEventListener('close', () => tell({ type: 'portClosed' }));
    lent.addEventListener('bufferedamountlow', () => this.#tellSent());
    lent.addEventListener('message', ({ data }) => {
      tell({ type: 'portMessage', data }, data instanceof ArrayBuffer ? [data] : []);
    });
  }

  take(request: PumpRequest): void {
    switch (request.type) {
      case 'portSend':
        return this.#send(request.data);
      case 'portLow':
        this.#lowBytes = request.bytes;
        this.#lent.bufferedAmountLowThreshold = request.bytes;
        return this.#tellSent();
      case 'portClose':
        return this.#lent.close();
    }
  }

  /** What it did not take is lost, and a channel that loses something is of no use. */
  #send(data: ArrayBuffer): void {
    this.#takenBytes += data.byteLength;
    try {
      this.#lent.send(new Uint8Array(data));
    } catch {
      this.#lent.close();
      return this.#tell({ type: 'portClosed' });
    }
    this.#tellSent();
  }

  /** Whenever the worker may wait for it, which it does not while it believes that less than its threshold is held. */
  #tellSent(): void {
    const left = this.#takenBytes - this.#lent.bufferedAmount;
    if (left <= this.#toldBytes || this.#takenBytes - this.#toldBytes <= this.#lowBytes) return;
    this.#toldBytes = left;
    this.#tell({ type: 'portSent', bytes: left });
  }
}
