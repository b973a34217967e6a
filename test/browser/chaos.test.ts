// A short run of chaos among tabs of a room, in three browsers over WebRTC. The long one is `npm run chaos:web`; what happens in it is `test/chaos-web/`. That the
// judge can object is shown by tabs that read what they have instead of what is agreed, and in verdict.test.ts on doctored evidence.
//
// RAFTKV_CHAOS_SEED sets the seed (1: what decides whether a change may land draws nothing; the long run does), RAFTKV_TAB_SECONDS the length (8).
import { expect, it } from 'vitest';
import { Arena } from '../chaos-web/arena.ts';
import type { ChaosWebOptions } from '../chaos-web/options.ts';
import { runChaosWeb } from '../chaos-web/run.ts';
import type { Outcome } from '../chaos-web/run.ts';
import { changesOf, tabClient } from '../chaos-web/tab-client.ts';
import { judge } from '../chaos-web/verdict.ts';
import { expectNone } from '../chaos/expect-none.ts';
import { now } from '../chaos/work/act-record.ts';
import type { Act } from '../chaos/work/act.ts';
import { waitFor } from '../e2e/harness/wait.ts';

const seed = Number(process.env['RAFTKV_CHAOS_SEED'] ?? 1);
const seconds = Number(process.env['RAFTKV_TAB_SECONDS'] ?? 8);
/** On a busy machine all of it takes longer. */
const timeout = (seconds + 300) * 1000;

async function run(): Promise<{ outcome: Outcome; events: string }> {
  const events: string[] = [];
  const options: ChaosWebOptions = { on: 'room', seed, seconds, deaths: 0, tabs: 3, firefox: false, only: undefined };
  const outcome = await runChaosWeb(options, (line) => events.push(line));
  return { outcome, events: events.join('\n') };
}

it(`a room holds through whatever happens to its tabs and their browsers (seed ${seed})`, { timeout }, async () => {
  const { outcome, events } = await run();
  const { findings, record, faults } = outcome;
  expectNone(findings, `seed ${seed}, artefacts in ${outcome.artefacts}\n${events}`);
  expect(record.answered).toBeGreaterThan(seconds * 3);
  expect(faults.size).toBeGreaterThan(seconds / 10);
  console.log(`seed ${seed}: ${record.answered} operations answered, ${[...faults.keys()].join(', ')}`);
});

it(
  'they are seen not to be linearizable when they read what they have, so the judge can fail',
  { timeout },
  async () => {
    const arena = await Arena.open({ on: 'room', seats: 3, firefox: false, lab: { reads: 'local' } });
    try {
      const leader = await waitFor('somebody leads', () => arena.leader());
      const other = arena.seats.find((seat) => seat !== leader)!;
      const [writer, reader] = [tabClient(leader), tabClient(other)];
      const acts: Act[] = [];
      const put = async (value: string): Promise<void> => {
        const act = { c: 0, kind: 'put', writes: [{ key: 'r', value }], call: now() } as const;
        acts.push({ ...act, ...(await writer.put('r', value)), ret: now() });
      };
      const get = async (): Promise<Act> => {
        const call = now();
        const found = await reader.get('r');
        return { c: 1, kind: 'get', range: 'r', call, ret: now(), seen: found === undefined ? [] : [found] };
      };
      await put('old');
      await waitFor('the other one has it', async () => (await get()).seen?.[0]?.value === 'old');
      await other.tab.evaluate(() => chaosLab.sever(true, true), undefined);
      await put('new');
      acts.push(await get());
      const entries = await changesOf(leader, 2, 500);
      const found = judge({ entries, acts, notes: arena.notes, states: new Map() }).join('\n');
      expect(found).toContain('get r saw [{"key":"r","value":"old","revision":2}]');
      expect(found).toContain('violation');
      expect(judge({ entries, acts: acts.slice(0, 2), notes: arena.notes, states: new Map() })).toEqual([]);
    } finally {
      await arena.close();
    }
  },
);
