// A progress bar on stderr: redrawn in place on a terminal, in one row however narrow it is; a line every few seconds elsewhere.

const barColumns = 30;
const leastBarColumns = 5;
const plainIntervalMilliseconds = 5_000;
const terminalIntervalMilliseconds = 100;

/** What of stderr is needed here. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #stream: ProgressStream;
  readonly #startedAt = performance.now();
  #shownAt: number;
  #isMidLine = false;

  /** Without a total there is no bar, only what has been done. */
  constructor(label: string, total: number | undefined, stream: ProgressStream = process.stderr) {
    this.#label = label;
    this.#total = total;
    this.#stream = stream;
    // What is done soon needs no line of its own in a log.
    this.#shownAt = stream.isTTY === true ? Number.NEGATIVE_INFINITY : this.#startedAt;
  }

  show(done: number, note: string): void {
    const now = performance.now();
    const isTerminal = this.#stream.isTTY === true;
    if (now - this.#shownAt < (isTerminal ? terminalIntervalMilliseconds : plainIntervalMilliseconds)) return;
    this.#shownAt = now;
    const share = this.#total === undefined ? undefined : Math.min(1, done / Math.max(1, this.#total));
    this.#write(share, note, isTerminal ? '' : '\n');
  }

  finish(note: string): void {
    this.#write(this.#total === undefined ? undefined : 1, note, '\n');
  }

  /** Leaves the row as it is, so that what is said next stands in a row of its own. */
  interrupt(): void {
    if (this.#isMidLine) this.#stream.write('\n');
    this.#isMidLine = false;
  }

  #write(share: number | undefined, note: string, end: string): void {
    const isTerminal = this.#stream.isTTY === true;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const left =
      share !== undefined && share > 0 && share < 1 ? `, ${Math.ceil((seconds * (1 - share)) / share)} s left` : '';
    const percent = share === undefined ? '' : `${Math.round(share * 100)} %  `;
    const tail = `${percent}${note}, ${seconds.toFixed(1)} s${left}`;
    // The last column stays free: some terminals go on to the next row when it is written.
    const room = isTerminal ? (this.#stream.columns ?? 80) - 1 : Number.POSITIVE_INFINITY;
    const free = Math.min(barColumns, room - this.#label.length - tail.length - 2);
    const text = share === undefined || free < leastBarColumns ? tail : `${drawBar(share, free)} ${tail}`;
    const row = `${this.#label} ${text}`;
    this.#stream.write(`${isTerminal ? '\r\u001b[K' : ''}${row.length > room ? row.slice(0, room) : row}${end}`);
    this.#isMidLine = end === '';
  }
}

function drawBar(share: number, columns: number): string {
  const full = Math.round(share * columns);
  return '█'.repeat(full) + '░'.repeat(columns - full);
}
