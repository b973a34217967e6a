// Two storages that break a rule, each around one that keeps it: one says that a write is durable before it is, the other goes on writing after another tab has
// taken the storage over. For the laboratory alone; nothing here is part of raftkv.
import type { LogBatch, Storage } from '@raftkv/storage';
import { RaftkvError } from 'raftkv';

export interface EarlyStorage {
  readonly storage: Storage;
  /** The power fails: what was not written yet is gone, though it was acknowledged. */
  lose(): void;
}

/** Acknowledges at once, and writes `lagMilliseconds` later. */
export function acknowledgeEarly(inner: Storage, lagMilliseconds: number): EarlyStorage {
  let isLost = false;
  let tail: Promise<void> = Promise.resolve();
  const append = async (batch: LogBatch): Promise<void> => {
    const due = performance.now() + lagMilliseconds;
    tail = tail
      .then(() => pause(due - performance.now()))
      .then(() => (isLost ? undefined : inner.append(batch)))
      .catch(() => undefined);
  };
  const close = async (): Promise<void> => {
    await tail;
    await inner.close();
  };
  return {
    storage: standIn(inner, { append, close }),
    lose: () => {
      isLost = true;
    },
  };
}

/** Takes no notice of it that another one has the storage now: it says that it wrote, and wrote nothing. */
export function skipFence(inner: Storage): Storage {
  const ignoring = async (write: Promise<void>): Promise<void> => {
    try {
      await write;
    } catch (error) {
      if (RaftkvError.from(error).code !== 'storage_locked') throw error;
    }
  };
  return standIn(inner, {
    append: (batch) => ignoring(inner.append(batch)),
    setNote: (name, value) => ignoring(inner.setNote(name, value)),
  });
}

function standIn(inner: Storage, changes: Partial<Storage>): Storage {
  return {
    ...(inner.isInTab === undefined ? {} : { isInTab: inner.isInTab }),
    load: () => inner.load(),
    append: (batch) => inner.append(batch),
    createSnapshot: (meta) => inner.createSnapshot(meta),
    openSnapshot: () => inner.openSnapshot(),
    compact: (index) => inner.compact(index),
    getNote: (name) => inner.getNote(name),
    setNote: (name, value) => inner.setNote(name, value),
    statistics: () => inner.statistics(),
    close: () => inner.close(),
    ...changes,
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.max(0, milliseconds)));
}
