// Worker processes that run seeds side by side. Seeds are handed out one at a time; a worker that dies, or takes too long over one, is a failure of that seed.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One seed may take so much of a processor. A busy machine makes nothing fail: it is not the time of the clock, where the system tells of the other. */
const maxSeedMilliseconds = 120_000;

/**
 * Runs what `next` answers, each `{ seed, adjust?, verbose? }`, until it answers undefined and all are done. `onResult` hears `{ verdict, cpuSeconds, lines }`
 * and may answer false: then nothing more is begun.
 */
export async function runSeeds({ bundle, jobs, next, onResult }) {
  let isStopped = false;
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      let worker;
      for (let task = isStopped ? undefined : next(); task !== undefined; task = isStopped ? undefined : next()) {
        worker ??= await startWorker(bundle);
        const result = await worker.run(task);
        if (result.isGone) worker = undefined;
        if (onResult(result) === false) isStopped = true;
      }
      worker?.stop();
    }),
  );
}

async function startWorker(bundle) {
  const child = fork(join(import.meta.dirname, 'worker.mjs'), [bundle], { execArgv: ['--max-semi-space-size=32'] });
  let settle = () => {};
  child.on('message', (message) => settle({ message }));
  child.on('exit', (code, signal) => settle({ end: code ?? signal }));
  const hear = () => new Promise((resolve) => (settle = resolve));
  const { end } = await hear();
  if (end !== undefined) throw new Error(`a worker ended with ${end} before it began`);
  return {
    async run(task) {
      const answer = hear();
      child.send(task);
      const stop = limitProcessor(child);
      const { message, end: ended } = await answer;
      stop();
      if (message !== undefined) return message;
      const failure = { checker: 'a seed ends', message: `the worker ended with ${ended}`, recent: [] };
      return { isGone: true, verdict: { seed: task.seed, failure }, cpuSeconds: 0, lines: [] };
    },
    stop: () => child.disconnect(),
  };
}

/** Kills the child when it has had too much. Answers what calls that off. */
function limitProcessor(child) {
  const begun = processorMilliseconds(child.pid);
  const started = performance.now();
  const alarm = setInterval(() => {
    const now = processorMilliseconds(child.pid);
    const spent = begun === undefined || now === undefined ? performance.now() - started : now - begun;
    if (spent >= maxSeedMilliseconds) child.kill('SIGKILL');
  }, 1_000);
  return () => clearInterval(alarm);
}

/** What the process has had so far; undefined where there is no /proc. */
function processorMilliseconds(pid) {
  try {
    // The name, in brackets, may hold spaces; user and system time are the 12th and 13th word after it, in hundredths of a second.
    const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return (Number(words[11]) + Number(words[12])) * 10;
  } catch {
    return undefined;
  }
}
