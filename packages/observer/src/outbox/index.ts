// The door for whoever keeps own writes over the life of a page: a composition root brings storage, locks and time, and hands the result to a replica as its
// option `outbox`. Not part of the bundle of a page that keeps none.
export { keepWrites } from './keep.ts';

export type { KeeperClock, KeeperOptions, LaneEars, LaneLocks, PageLife, TakeOptions } from './options.ts';
