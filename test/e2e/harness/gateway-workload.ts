// A workload client over the JSON gateway that goes on to the next node when one does not answer. It never retries: the
// gateway's writes carry no session of the client, so a second try could be a second write.
import { GatewayClient } from './gateway.ts';
import type { WorkloadClient } from './workload.ts';

export interface GatewayWorkloadOptions {
  /** The node to begin with. */
  readonly first: number;
  /** Reads what the asked node has, however old. */
  readonly serializable?: boolean;
  /** Another node for each operation, not only after a failure. */
  readonly roams?: boolean;
  /** Default 3000. */
  readonly timeoutMilliseconds?: number;
}

export class GatewayWorkloadClient implements WorkloadClient {
  private readonly gateways: readonly GatewayClient[];
  private readonly options: GatewayWorkloadOptions;
  private at: number;

  constructor(addresses: readonly string[], options: GatewayWorkloadOptions) {
    const { timeoutMilliseconds = 3000 } = options;
    this.gateways = addresses.map((address) => new GatewayClient(address, { timeoutMilliseconds, isPatient: false }));
    this.options = options;
    this.at = options.first;
  }

  get(key: string): Promise<string | null> {
    return this.ask((gateway) => gateway.get(key, { serializable: this.options.serializable ?? false }));
  }

  put(key: string, value: string): Promise<number> {
    return this.ask((gateway) => gateway.put(key, value));
  }

  delete(key: string): Promise<boolean> {
    return this.ask(async (gateway) => (await gateway.delete(key)) > 0);
  }

  cas(key: string, old: string | null, value: string): Promise<boolean> {
    return this.ask((gateway) => gateway.cas(key, old, value));
  }

  close(): void {
    for (const gateway of this.gateways) gateway.close();
  }

  private async ask<T>(operation: (gateway: GatewayClient) => Promise<T>): Promise<T> {
    const gateway = this.gateways[this.at % this.gateways.length]!;
    if (this.options.roams === true) this.at++;
    try {
      return await operation(gateway);
    } catch (error) {
      this.at++;
      throw error;
    }
  }
}
