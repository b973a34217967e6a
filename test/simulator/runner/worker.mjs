// A process that runs seeds: told which over its channel, it tells a verdict for each. It takes time and dice away from what it runs, so that whatever
// asks for them past the simulator is found out.
import v8 from 'node:v8';

const [, , bundle] = process.argv;
v8.setFlagsFromString('--allow-natives-syntax');
/** Runs the microtasks that are queued, at once; node has no other door to it. Only from the event loop itself. */
const drain = new Function('%PerformMicrotaskCheckpoint()');

// A stack costs more than what most errors are about.
Error.stackTraceLimit = 4;

const { runSeedNow } = await import(bundle);
forbidRealTime();

let rejection;
process.on('unhandledRejection', (error) => (rejection ??= error));
process.on('message', ({ seed, adjust, verbose }) => {
  setImmediate(() => {
    const started = process.cpuUsage();
    const lines = [];
    let verdict;
    try {
      verdict = runSeedNow(
        { seed, adjust: adjusted(adjust), onLine: verbose ? (line) => lines.push(line) : undefined },
        drain,
      );
    } catch (error) {
      verdict = { seed, failure: { checker: 'the simulator runs', message: String(error.stack), recent: [] } };
    }
    const { user, system } = process.cpuUsage(started);
    // Rejections that nobody handled are told at the end of this turn.
    setImmediate(() => {
      if (rejection !== undefined && verdict.failure === undefined) {
        verdict = {
          ...verdict,
          failure: { checker: 'no rejection is unhandled', message: String(rejection?.stack ?? rejection), recent: [] },
        };
      }
      rejection = undefined;
      process.send({ verdict, cpuSeconds: (user + system) / 1e6, lines });
    });
  });
});
process.on('disconnect', () => process.exit(0));
process.send({ isReady: true });

/** What shrinking asks for: fewer faults, less time, fewer clients. */
function adjusted(adjust) {
  if (adjust === undefined) return undefined;
  return (swarm) => ({ ...swarm, ...adjust });
}

function forbidRealTime() {
  const forbid = (owner, name) => {
    owner[name] = () => {
      throw new Error(`${name} was called past the simulator`);
    };
  };
  for (const name of ['setTimeout', 'setInterval']) forbid(globalThis, name);
  Object.defineProperty(performance, 'now', {
    value: () => {
      throw new Error('performance.now was called past the simulator');
    },
  });
  forbid(Math, 'random');
  forbid(Date, 'now');
  Object.defineProperty(globalThis.crypto, 'getRandomValues', {
    value: () => {
      throw new Error('crypto.getRandomValues was called past the simulator');
    },
  });
}
