// The page of the suites about replicas in workers: that of `replica.ts`, with the replica of its tab in a worker, which a test can end. What the page
// does to whoever uses it is measured: how long frames take, and how late input is.
import { replicaLab } from './replica.ts';
import { dialEndpoint } from '@raftkv/client/parts';
import { openReplica } from 'raftkv/off-thread';
import type { Dial, ReplicaOptions } from 'raftkv';

const threadLab = {
  /** All that were started, the present one last. */
  workers: [] as Worker[],
  /** Takes the place of the worker's script. */
  script: undefined as string | undefined,
  /** The page dials, as an app that has a way of its own does: how often. */
  ownDials: undefined as number | undefined,
  /** In the page, as an app that asks for no worker. */
  openHere: replicaLab.open,
  /** Until it is ended: how long each frame took, and how late each input was. */
  measure: (): (() => Measured) => {
    const measured: Measured = { frames: [], inputs: [] };
    let isOver = false;
    let last = performance.now();
    const frame = (): void => {
      const now = performance.now();
      measured.frames.push(now - last);
      last = now;
      if (!isOver) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const noteInput = (event: Event): void => void measured.inputs.push(performance.now() - event.timeStamp);
    document.addEventListener('mousemove', noteInput);
    return () => {
      isOver = true;
      document.removeEventListener('mousemove', noteInput);
      return measured;
    };
  },
};

interface Measured {
  readonly frames: number[];
  readonly inputs: number[];
}

replicaLab.open = async (options: ReplicaOptions): Promise<void> => {
  const dial: Dial = (...parameters) => {
    threadLab.ownDials! += 1;
    return dialEndpoint(...parameters);
  };
  replicaLab.kv = await openReplica({
    ...options,
    ...(threadLab.ownDials !== undefined && { dial }),
    worker: () => {
      const { script } = threadLab;
      const worker =
        script === undefined
          ? new Worker(new URL('raftkv/worker', import.meta.url), { type: 'module' })
          : new Worker(script, { type: 'module' });
      threadLab.workers.push(worker);
      return worker;
    },
  });
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var threadLab: ThreadLab;
}
export type ThreadLab = typeof threadLab;

globalThis.threadLab = threadLab;
