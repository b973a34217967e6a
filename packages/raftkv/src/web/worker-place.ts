// What a page tells its worker of the place where the replica lives.
import type { Place } from './place.ts';

export interface WorkerPlace extends Place {
  /** One of the two threads dials for the other one over it. */
  readonly dials: MessagePort;
  /** The worker dials, also for the page; otherwise the page does, with the app's own way. */
  readonly dialsHere: boolean;
}
