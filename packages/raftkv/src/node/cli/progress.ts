// A progress bar on stderr: redrawn in place on a terminal, a line every few seconds elsewhere.

const width = 30;
const plainIntervalMilliseconds = 5_000;
const terminalIntervalMilliseconds = 100;

export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = Math.max(1, total);
  }

  show(done: number, note: string): void {
    const now = performance.now();
    const isTerminal = process.stderr.isTTY;
    if (now - this.#shownAt < (isTerminal ? terminalIntervalMilliseconds : plainIntervalMilliseconds)) return;
    this.#shownAt = now;
    this.#write(Math.min(1, done / this.#total), note, isTerminal ? '' : '\n');
  }

  finish(note: string): void {
    this.#write(1, note, '\n');
  }

  #write(share: number, note: string, end: string): void {
    const full = Math.round(share * width);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const left = share > 0 && share < 1 ? `, ${Math.ceil((seconds * (1 - share)) / share)} s left` : '';
    const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
    const start = process.stderr.isTTY ? '\r\u001b[K' : '';
    process.stderr.write(
      `${start}${this.#label} ${bar} ${Math.round(share * 100)} %  ${note}, ${seconds.toFixed(1)} s${left}${end}`,
    );
  }
}
