// What the rooms of the page share besides the store: the watch over the cluster, the control of a local one, this tab's writes and its author.
import { createContext, useContext } from 'react';
import type { DevApi } from './dev-api.ts';
import type { ClusterWatch } from './model/cluster-watch.ts';
import type { WriteLog } from './model/write-log.ts';

export interface PageContext {
  readonly watch: ClusterWatch;
  readonly dev: DevApi | undefined;
  readonly writes: WriteLog;
  /** How many members there seem to be, before any has answered. */
  readonly expected: number;
  /** Who writes here: a name for this tab. */
  readonly author: Author;
  /** Throws the copy away and begins anew. */
  readonly forget: () => Promise<void>;
}

export interface Author {
  readonly name: string;
  /** Degrees on the colour wheel. */
  readonly hue: number;
}

const Context = createContext<PageContext | undefined>(undefined);
export const PageProvider = Context.Provider;

export function usePage(): PageContext {
  const page = useContext(Context);
  if (page === undefined) throw new Error('the page is not there');
  return page;
}
