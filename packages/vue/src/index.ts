// The front door of the Vue composables.
export { raftkv, useKv } from './plugin.ts';
export { useGet, useLive, useScan, useStatus, useWrites } from './reads.ts';
export { useBatch, useDelete, usePut } from './mutations.ts';

export type { Conditional, Mutation } from './mutations.ts';
