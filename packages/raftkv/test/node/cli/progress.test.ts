// The progress bar: one row on a terminal of any width, few plain lines elsewhere.
import { describe, expect, it, vi } from 'vitest';
import { ProgressBar } from '../../../src/node/cli/progress.ts';

function stream(columns?: number): { isTTY: boolean; columns?: number; written: string[]; write(text: string): void } {
  const written: string[] = [];
  return {
    isTTY: columns !== undefined,
    ...(columns === undefined ? {} : { columns }),
    written,
    write: (text) => void written.push(text),
  };
}

describe('a progress bar', () => {
  it.each([200, 80, 60, 40, 20, 5])('fits into a terminal of %i columns', (columns) => {
    const terminal = stream(columns);
    const bar = new ProgressBar('importing', 1_000, terminal);
    bar.show(333, '333,333 rows');
    bar.finish('1,000,000 rows');
    for (const text of terminal.written) {
      expect(text.startsWith('\r\u001b[K')).toBe(true);
      expect(text.slice(4).trimEnd().length).toBeLessThan(columns);
    }
    expect(terminal.written.map((text) => text.endsWith('\n'))).toEqual([false, true]);
  });

  it('is half full halfway', () => {
    const terminal = stream(80);
    new ProgressBar('importing', 1_000, terminal).show(500, '7 rows');
    expect(terminal.written[0]).toContain(`importing ${'█'.repeat(15)}${'░'.repeat(15)} 50 %  7 rows`);
  });

  it('writes lines without escapes where there is no terminal, and none for what is done at once', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const log = stream();
      const bar = new ProgressBar('importing', 1_000, log);
      bar.show(1, '1 rows');
      expect(log.written).toEqual([]);
      vi.advanceTimersByTime(5_000);
      for (let repeat = 0; repeat < 10; repeat++) bar.show(500, '5 rows');
      bar.finish('9 rows');
      expect(log.written).toHaveLength(2);
      for (const line of log.written) expect(line).toMatch(/^importing [█░]{30} \d+ % {2}\d rows, .* s.*\n$/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves its row before something else is said, once', () => {
    const terminal = stream(80);
    const bar = new ProgressBar('importing', 1_000, terminal);
    bar.show(500, '5 rows');
    bar.interrupt();
    bar.interrupt();
    expect(terminal.written.slice(1)).toEqual(['\n']);
  });

  it('shows only what was done when nobody knows how much there is', () => {
    const log = stream();
    new ProgressBar('importing', undefined, log).finish('9 rows');
    expect(log.written[0]).toMatch(/^importing 9 rows, \d\.\d s\n$/);
  });
});
