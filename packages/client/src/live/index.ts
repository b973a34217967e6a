// The door for whoever builds a copy or a binding: live queries over any LiveSource, and the outbox of own writes. Apps do not need it.
export { effectsOf } from './effects.ts';
export { LiveCore } from './live-core.ts';
export { LiveValue } from './live-value.ts';
export { asked, idleRead, pendingRead } from './nothing.ts';
export { Outbox } from './outbox.ts';
export { pendingStatus } from './pending-status.ts';
export { isSameState, pendingState } from './read-state.ts';
export { shapeState } from './shape.ts';
export { tellAll } from './tell-all.ts';

export type { LiveCoreOptions } from './live-core.ts';
export type { OutboxOptions, PrepareWrite, WriteTeller } from './outbox.ts';
export type { PendingOp, PendingWrite } from './overlay.ts';
export type { RangeQueryOptions } from './range-query.ts';
export type { ShapeOptions } from './shape.ts';
