// The log of a member: one JSON object a line on stderr, so that both people and collectors can read it. A blocked sink
// must never stall the member (etcd-io/etcd#22214), so lines are dropped, and counted, when stderr does not drain.
import type { LogLevel } from './settings.ts';

const rank: Readonly<Record<LogLevel, number>> = { DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };
const maxBufferedBytes = 1024 * 1024;

export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface LogSink {
  readonly writableLength: number;
  write(line: string): boolean;
}

export function createLogger(node: string, minimum: LogLevel, sink: LogSink = process.stderr): Logger {
  let dropped = 0;
  return {
    log(level, message, fields = {}) {
      if (rank[level] < rank[minimum]) return;
      if (sink.writableLength > maxBufferedBytes) {
        dropped++;
        return;
      }
      const lost = dropped > 0 ? { droppedLines: dropped } : {};
      dropped = 0;
      sink.write(`${JSON.stringify({ time: new Date().toISOString(), level, node, message, ...fields, ...lost })}\n`);
    },
  };
}
