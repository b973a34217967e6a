// Which kv the hooks below speak to. It is made outside React (opening one is asynchronous, and it outlives components) and handed in.
import { createContext, createElement, useContext } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { RaftkvError } from '@raftkv/client';
import type { LiveKv } from '@raftkv/client';
import type { ProvidedKv, RegisteredKv } from './register.ts';

export interface RaftkvProviderProps {
  /** undefined while it is being opened, and on a server: reads are pending then. One for each user; on a server never one for all. */
  readonly kv: ProvidedKv | undefined;
  readonly children?: ReactNode;
}

/** null: there is no provider. */
const Context = createContext<LiveKv | undefined | null>(null);

/** @example `<RaftkvProvider kv={kv}><App /></RaftkvProvider>` */
export function RaftkvProvider({ kv, children }: RaftkvProviderProps): ReactElement {
  return createElement(Context.Provider, { value: kv as LiveKv | undefined }, children);
}

/** The kv itself, for calls that need no hook. Throws while there is none. */
export function useKv(): RegisteredKv {
  return theKv(useOptionalKv()) as RegisteredKv;
}

export function useOptionalKv(): LiveKv | undefined {
  const kv = useContext(Context);
  if (kv === null) throw new RaftkvError('invalid_argument', 'a raftkv hook is used outside of <RaftkvProvider>');
  return kv;
}

/** Throws `closed` if there is none yet. */
export function theKv(kv: LiveKv | undefined): LiveKv {
  if (kv === undefined) throw new RaftkvError('closed', 'the <RaftkvProvider> has no kv yet');
  return kv;
}
