// A bare HTTP client for tests: it sends exactly what it is told, and can be cut off anywhere.
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
}

export function call(base: string, path: string, body = '', options: CallOptions = {}): Promise<Answer> {
  const { method = 'POST', headers = {} } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${base}${path}`, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    outgoing.once('error', reject);
    // Node would send the body of some methods without saying how long it is.
    if (body !== '' && headers['transfer-encoding'] === undefined) {
      outgoing.setHeader('content-length', Buffer.byteLength(body));
    }
    outgoing.end(body);
  });
}

export function get(base: string, path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return call(base, path, '', { method: 'GET', headers });
}

/** One open watch as a client sees it: each element is one chunk of the reply. */
export class WatchClient {
  readonly chunks: string[] = [];
  /** What was received in whole lines so far. */
  readonly lines: unknown[] = [];
  #rest = '';
  status = 0;
  hasEnded = false;
  readonly #outgoing: ClientRequest;
  #response: IncomingMessage | undefined;
  #wake: () => void = () => {};

  /** With `keepsOpen` the request's body stays open for `send`. */
  constructor(base: string, body: string, options: { readonly keepsOpen?: boolean } = {}) {
    this.#outgoing = request(`${base}/v3/watch`, { method: 'POST', agent: false }, (response) => {
      this.#response = response;
      this.status = response.statusCode ?? 0;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        this.chunks.push(chunk);
        this.#readLines(chunk);
        this.#wake();
      });
      response.on('error', () => {});
      response.on('close', () => {
        this.hasEnded = true;
        this.#wake();
      });
      this.#wake();
    });
    this.#outgoing.on('error', () => {
      this.hasEnded = true;
      this.#wake();
    });
    if (options.keepsOpen === true) {
      this.#outgoing.flushHeaders();
      this.#outgoing.write(body);
    } else this.#outgoing.end(body);
  }

  #readLines(chunk: string): void {
    const texts = (this.#rest + chunk).split('\n');
    this.#rest = texts.pop() ?? '';
    for (const text of texts) this.lines.push(JSON.parse(text));
  }

  send(text: string): void {
    this.#outgoing.write(text);
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  /** Waits until the condition holds, looked at after each chunk. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.hasEnded) throw new Error(`the watch ended after ${JSON.stringify(this.chunks)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  untilLines(count: number): Promise<void> {
    return this.until(() => this.lines.length >= count);
  }

  async untilEnd(): Promise<void> {
    while (!this.hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#outgoing.destroy();
  }
}
