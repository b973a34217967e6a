// Finds the least of a failing seed that still fails with the same check: faults left out one by one, then what else happens, then fewer clients, then less time. A world with other
// options is another world, so each step only counts if it fails again; the command at the end replays what was found.
import { runSeeds } from './pool.mjs';
import { mutantWords } from './tally.mjs';

/** What a world may do without. It is not tried where the world does without it already. */
const parts = [
  [{ leaderChurn: 0 }, 'leaders stand'],
  [{ voteCrash: 0 }, 'nobody dies voting'],
  [{ snapshotCrash: 0 }, 'nobody dies over a snapshot'],
  [{ fallsSilent: false }, 'nobody falls silent'],
  [{ standsInVain: false }, 'nobody stands in vain'],
  [{ interruption: 0 }, 'changes of members are let be'],
  [{ spareMachines: 0 }, 'members stay'],
  [{ hasPriorities: false }, 'all members are alike'],
  [{ observersCall: false }, 'observers only look'],
  [{ observers: 0 }, 'no observers'],
  [{ watches: 0 }, 'no watches'],
];

export async function shrink(bundle, seed, { mutant }) {
  const attempt = async (adjust) => {
    const tasks = [{ seed, adjust }];
    let verdict;
    await runSeeds({ bundle, jobs: 1, next: () => tasks.shift(), onResult: (result) => (verdict = result.verdict) });
    return verdict;
  };
  const first = await attempt({});
  if (first.failure === undefined) {
    console.log(`seed ${seed} does not fail`);
    return 1;
  }
  const { checker } = first.failure;
  if (first.swarm === undefined) {
    console.log(`seed ${seed} fails "${checker}", and nothing is known of its world`);
    return 1;
  }
  console.log(
    `seed ${seed} fails ${checker} after ${first.simulatedMilliseconds.toFixed(0)} ms and ${first.events} events`,
  );
  let best = { adjust: { safetyMilliseconds: first.simulatedMilliseconds }, events: first.events };
  const tryIt = async (change, words) => {
    const adjust = { ...best.adjust, ...change };
    const verdict = await attempt(adjust);
    if (verdict.failure?.checker !== checker) return false;
    best = { adjust, events: verdict.events };
    console.log(
      `  ${words}: still fails, after ${verdict.simulatedMilliseconds.toFixed(0)} ms and ${verdict.events} events`,
    );
    return true;
  };
  if (!(await tryIt({}, 'the safety phase ends there'))) best = { adjust: {}, events: first.events };
  const kinds = first.faults;
  for (const kind of kinds) await tryIt({ masked: [...(best.adjust.masked ?? []), kind] }, `without ${kind}`);
  for (const [change, words] of parts) {
    const [[name, value]] = Object.entries(change);
    if (first.swarm[name] !== value) await tryIt(change, words);
  }
  for (const clients of [1, 2])
    if (clients < first.swarm.clients && (await tryIt({ clients }, `${clients} clients`))) break;
  for (let share = 0.5; share > 0.05; share /= 2) {
    const safetyMilliseconds = (best.adjust.safetyMilliseconds ?? first.swarm.safetyMilliseconds) * share;
    if (!(await tryIt({ safetyMilliseconds }, `${safetyMilliseconds.toFixed(0)} ms of faults`))) break;
  }
  console.log(`npm run simulate -- --seed ${seed}${mutantWords(mutant)} --adjust '${JSON.stringify(best.adjust)}'`);
  return 0;
}
