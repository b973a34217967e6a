// Makes watches for `client.ts`. In a page's production build `make-watch-later.ts` stands in the place of this module.
import type { UserKey } from './entry.ts';
import { Watch } from './watch.ts';
import type { WatchContext } from './watch.ts';

export function makeWatch<Value, K extends UserKey>(context: WatchContext<Value, K>): Watch<Value, K> {
  return new Watch(context);
}
