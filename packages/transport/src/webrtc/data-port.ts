// The part of an RTCDataChannel that this package uses, as an interface: that of a browser and those of packages for Node fit it, and so does
// a port that a relay offers. A port carries small messages and promises little: they may come in late, twice or before `open`.

export interface DataPort {
  binaryType: string;
  /** 'connecting', 'open', 'closing' or 'closed'. */
  readonly readyState: string;
  readonly bufferedAmount: number;
  /** Not everywhere: without it the buffer is asked now and then. */
  bufferedAmountLowThreshold?: number;
  /** Throws unless it is open, and when its buffer is full. */
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'bufferedamountlow', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}
