// A replica in this thread with everything that it may need: for a worker, and for a page that falls back from one.
import { TabSharing } from './tab-sharing.ts';
import { reside } from './residence.ts';
import type { AnyAssembly, Residence, ResidenceOptions } from './residence.ts';

export function resideHere(assembly: AnyAssembly, options: ResidenceOptions): Residence {
  return reside(assembly, options, (tenancy) => tenancy.share(new TabSharing(tenancy)));
}
