// The page of the determinism suite: the simulator in a tab. Turns of the event loop come from a MessageChannel, which no browser slows down.
import { runSeed } from '../../simulator/run-seed.ts';

const { port1, port2 } = new MessageChannel();
let settle: () => void = () => undefined;
port1.addEventListener('message', () => settle());
port1.start();
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    settle = resolve;
    port2.postMessage(undefined);
  });

const simulatorLab = {
  run: async (seed: number): Promise<{ readonly traceHash: string; readonly failure: string | undefined }> => {
    const { traceHash, failure } = await runSeed({ seed }, nextTurn);
    return { traceHash, failure: failure?.message };
  },
};

declare global {
  // Seen by the functions that a test evaluates in the page.
  var simulatorLab: SimulatorLab;
}
export type SimulatorLab = typeof simulatorLab;

globalThis.simulatorLab = simulatorLab;
