// A button that takes its time: one act at a time, and what it was refused with, for the panel that it is in.
import { useState } from 'react';

export interface Act {
  /** What runs, by its name. */
  readonly busy: string | undefined;
  /** Why the last one did not work out. */
  readonly problem: string | undefined;
  readonly run: (name: string, act: () => Promise<void>) => void;
}

export function useAct(): Act {
  const [busy, setBusy] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const run = (name: string, act: () => Promise<void>): void => {
    setBusy(name);
    setProblem(undefined);
    // An act that throws at once was refused like any other.
    new Promise<void>((resolve) => resolve(act()))
      .catch((error: Error) => setProblem(error.message))
      .finally(() => setBusy(undefined));
  };
  return { busy, problem, run };
}
