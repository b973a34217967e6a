// Where a member listens. The composition root asks once, when it knows what the cluster calls this member.
import { fallbackAddress } from './config.ts';
import type { NodeConfig } from './config.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where to listen: as told, else as the cluster knows this member. */
export function ownAddress({ host, port, isAddressGiven }: NodeConfig, known: string | undefined): Address {
  // Whoever embeds a member may have given one after the configuration was read.
  const isGiven = isAddressGiven || host !== fallbackAddress.host || port !== fallbackAddress.port;
  if (isGiven || known === undefined || known === '') return { host, port };
  const colon = known.lastIndexOf(':');
  return { host: known.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(known.slice(colon + 1)) };
}
