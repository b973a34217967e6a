// Counts what seeds came to, and says it: simulated hours, seeds per CPU second, and for each failure the command that replays it.

export class Tally {
  seeds = 0;
  cpuSeconds = 0;
  failures = [];
  #started = performance.now();
  #mutant;
  #sums = {
    simulatedMilliseconds: 0,
    events: 0,
    committed: 0,
    acknowledged: 0,
    reads: 0,
    failedCalls: 0,
    elections: 0,
    lives: 0,
    steps: 0,
    states: 0,
    unmendable: 0,
    takeovers: 0,
    copies: 0,
  };

  constructor(mutant) {
    this.#mutant = mutant;
  }

  add({ verdict, cpuSeconds }) {
    this.seeds += 1;
    this.cpuSeconds += cpuSeconds;
    for (const name of Object.keys(this.#sums)) this.#sums[name] += verdict[name] ?? 0;
    if (verdict.failure === undefined) return;
    this.failures.push(verdict);
    const [first] = verdict.failure.message.split('\n');
    console.log(
      `seed ${verdict.seed} FAILED: ${first}\n  replay it: ${this.#command('--seed', verdict.seed)}\n  shrink it: ${this.#command('--shrink', verdict.seed)}`,
    );
  }

  get unmendable() {
    return this.#sums.unmendable;
  }

  progress() {
    const { simulatedMilliseconds, acknowledged } = this.#sums;
    return `${this.seeds} seeds, ${hours(simulatedMilliseconds)} simulated, ${acknowledged} writes acknowledged, ${this.failures.length} failures, ${this.#rate()}`;
  }

  summary() {
    const {
      simulatedMilliseconds,
      events,
      committed,
      acknowledged,
      reads,
      failedCalls,
      elections,
      lives,
      steps,
      states,
      unmendable,
      takeovers,
      copies,
    } = this.#sums;
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    return [
      `simulator: ${this.seeds} seeds, ${this.failures.length} failed, in ${seconds} s (${this.cpuSeconds.toFixed(1)} CPU seconds)`,
      `simulator: ${hours(simulatedMilliseconds)} simulated; ${this.#rate()}; ${(simulatedMilliseconds / 3_600_000 / this.cpuSeconds).toFixed(4)} simulated hours per CPU second`,
      `simulator: ${events} events, ${committed} entries committed, ${acknowledged} writes acknowledged, ${reads} reads confirmed, ${failedCalls} calls failed, ${elections} elections, ${lives} lives of members`,
      `simulator: ${steps} steps that the specification allows, ${states} states in which its invariants hold`,
      `simulator: ${takeovers} processes were taken over, ${copies} copies of disks came to life`,
      `simulator: ${unmendable} worlds lost more than could be mended, and ended there`,
    ].join('\n');
  }

  #rate() {
    return `${(this.seeds / this.cpuSeconds).toFixed(1)} seeds per CPU second`;
  }

  #command(option, seed) {
    return `npm run simulate -- ${option} ${seed}${mutantWords(this.#mutant)}`;
  }
}

/** As a shell takes it: names may have blanks. */
export function mutantWords(name) {
  if (name === undefined) return '';
  return /^\w+$/.test(name) ? ` --mutant ${name}` : ` --mutant '${name}'`;
}

function hours(milliseconds) {
  return `${(milliseconds / 3_600_000).toFixed(2)} hours`;
}
