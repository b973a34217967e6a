// The front door of the React hooks.
export { RaftkvProvider, useKv } from './context.ts';
export { useBatch, useDelete, usePut, useTxn } from './mutations.ts';
export { useGet, useGetSuspense, useScan, useScanSuspense } from './reads.ts';
export { useLive, useStatus, useWrites } from './status.ts';
export { useWatch } from './watch.ts';

export type { RaftkvProviderProps } from './context.ts';
export type { Conditional, Mutation, MutationOptions, PutVariables, TxnVariables } from './mutations.ts';
export type { ReadHookOptions, SuspenseState } from './reads.ts';
export type { Register } from './register.ts';
export type { WatchHookOptions } from './watch.ts';
