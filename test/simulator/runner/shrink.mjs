// Finds the least of a failing seed that still fails with the same check: faults left out one by one, then fewer clients, then less time. A world with other
// options is another world, so each step only counts if it fails again; the command at the end replays what was found.
import { runSeeds } from './pool.mjs';

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
  const kinds = first.faults ?? [];
  for (const kind of kinds) await tryIt({ masked: [...(best.adjust.masked ?? []), kind] }, `without ${kind}`);
  await tryIt({ leaderChurn: 0 }, 'leaders stand');
  await tryIt({ voteCrash: 0 }, 'nobody dies voting');
  await tryIt({ snapshotCrash: 0 }, 'nobody dies over a snapshot');
  await tryIt({ fallsSilent: false }, 'nobody falls silent');
  await tryIt({ standsInVain: false }, 'nobody stands in vain');
  for (const clients of [1, 2]) if (clients < first.clients && (await tryIt({ clients }, `${clients} clients`))) break;
  for (let share = 0.5; share > 0.05; share /= 2) {
    const safetyMilliseconds = (best.adjust.safetyMilliseconds ?? first.safetyMilliseconds) * share;
    if (!(await tryIt({ safetyMilliseconds }, `${safetyMilliseconds.toFixed(0)} ms of faults`))) break;
  }
  const suffix = mutant === undefined ? '' : ` --mutant ${mutant}`;
  console.log(`npm run simulate -- --seed ${seed}${suffix} --adjust '${JSON.stringify(best.adjust)}'`);
  return 0;
}
