// Event loops of real members that stand still for a while, when a test says so and for as long as it says. That is not SIGSTOP, which stops the
// threads of the disk too. What happens inside the member is in stall-on-signal.mjs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeProcess } from './node-process.ts';
import { sleep } from './wait.ts';

export class Stalls {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'raftkv-stalls-'));
  readonly #file = path.join(this.#directory, 'milliseconds');
  /** For the members whose loops are to stall. */
  readonly env = {
    NODE_OPTIONS: `--import ${new URL('stall-on-signal.mjs', import.meta.url).href}`,
    RAFTKV_TEST_STALL: this.#file,
  };

  /** Resolves when it is over, as far as this process can tell. One at a time. */
  async stall(server: NodeProcess, milliseconds: number): Promise<void> {
    writeFileSync(this.#file, String(milliseconds));
    server.signal('SIGUSR2');
    await sleep(milliseconds);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
