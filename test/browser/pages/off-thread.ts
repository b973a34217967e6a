// The page of the suites about replicas in workers: that of `replica.ts`, with the replica of its tab in a worker, which a test can end. What the page
// does to whoever uses it is measured: how long frames take, and how late input is.
import { replicaLab } from './replica.ts';
import { openReplica } from 'raftkv/off-thread';
import type { ReplicaOptions } from 'raftkv';

const threadLab = {
  /** All that were started, the present one last. */
  workers: [] as Worker[],
  /** Takes the place of the script. */
  script: undefined as string | undefined,
  /** In the page, as an app that asks for no worker. */
  openHere: replicaLab.open,
  /** The longest gaps between frames, and the longest waits of input, since `measure`. */
  gaps: [] as number[],
  waits: [] as number[],
  measure: (): void => {
    let last = performance.now();
    const frame = (): void => {
      const now = performance.now();
      threadLab.gaps.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    threadLab.gaps = [];
    threadLab.waits = [];
    requestAnimationFrame(frame);
    document.addEventListener('mousemove', (event) => threadLab.waits.push(performance.now() - event.timeStamp));
  },
};

replicaLab.open = async (options: ReplicaOptions): Promise<void> => {
  replicaLab.kv = await openReplica({
    ...options,
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
