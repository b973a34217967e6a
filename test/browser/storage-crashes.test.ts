// A small run of the storage in a tab, crashed between any two of its transactions, and each of them failed at each of its requests. What a
// restart finds is one state of the run, with everything acknowledged and nothing that was not begun; what fails is told, and leaves no trace.
import { beforeAll, describe, expect, it } from 'vitest';
import { setStage } from './harness/stage.ts';
import type { Tab } from './harness/tabs.ts';

const stage = setStage(['crashes'], { keepProfile: true });
let tab: Tab;
const recordings: Partial<Record<'strict' | 'relaxed', Awaited<ReturnType<typeof crashLab.record>>>> = {};
beforeAll(async () => {
  tab = await stage.openTab('crashes');
  for (const durability of ['strict', 'relaxed'] as const) {
    recordings[durability] = await tab.page.evaluate((way) => crashLab.record(way), durability);
  }
});

const timeout = 300_000;

describe.each(['strict', 'relaxed'] as const)('a run whose transactions are %s', (durability) => {
  it('goes through and is recorded as a whole', () => {
    const { steps, acknowledged, troubles, moments, transactions } = recordings[durability]!;
    expect(troubles).toEqual([]);
    expect(acknowledged).toBe(steps);
    expect(moments.at(-1)).toEqual({ begun: steps, acknowledged: steps });
    const [made, ...later] = transactions;
    expect(made).toEqual(['versionchange', 'default', 3, 'createStore "identity" "fence" "mark"']);
    for (const [mode, kept] of later) expect([mode, kept]).toEqual(['readwrite', durability]);
    const changes = transactions.map(([, , , words]) => words);
    // Opening; a group; a chunk of a snapshot alone, and the pointer with the last one; a snapshot that replaces the log; a deferred deletion.
    expect(changes[1]).toBe('"fence"');
    for (const words of ['"note a" 1 "fence"', '[1,0] "fence"', '[1,2] "mark" "fence"', '[4,2] "mark" 6 "fence"']) {
      expect(changes).toContain(words);
    }
    expect(changes.filter((words) => words.includes('delete')).length).toBeGreaterThan(4);
  });

  it('shows one allowed state after any number of its transactions, and goes on from there', { timeout }, async () => {
    const { transactions, moments } = recordings[durability]!;
    const { findings, found, databases } = await tab.page.evaluate((way) => crashLab.checkPrefixes(way), durability);
    expect(findings).toEqual([]);
    expect(found.length).toBe(transactions.length + 1);
    // A power cut takes any number of the last transactions that were relaxed: whole earlier states, told to be possible by `isSynced`.
    let cuts = 0;
    let lost = 0;
    for (const [committed, { begun, acknowledged }] of moments.entries()) {
      for (let kept = 1; kept <= committed && durability === 'relaxed'; kept += 1) {
        cuts += 1;
        expect(found[kept]).toBeGreaterThanOrEqual(Math.max(0, found[kept - 1]!));
        expect(found[kept]).toBeLessThanOrEqual(begun);
        lost = Math.max(lost, acknowledged - found[kept]!);
      }
    }
    const states = new Set(found.filter((state) => state >= 0)).size;
    const power = durability === 'relaxed' ? `; ${cuts} power cuts, which take up to ${lost} acknowledged steps` : '';
    console.log(
      `${durability}: ${transactions.length} transactions, ${databases} databases opened, ${states} states${power}`,
    );
  });

  // Rolling back does not depend on the durability: of the other ways to fail, one is enough.
  it.each(durability === 'strict' ? (['refused', 'aborted'] as const) : (['refused'] as const))(
    'halts at a transaction that is %s after any of its requests, and nothing of it stays',
    { timeout },
    async (how) => {
      const report = await tab.page.evaluate((options) => crashLab.checkFailures(options), { durability, how });
      expect(report.findings).toEqual([]);
      expect(report.runs).toBe(recordings[durability]!.transactions.reduce((sum, [, , count]) => sum + count, 0));
      console.log(`${durability}, ${how}: ${report.runs} runs, ${report.attempts} transactions that failed`);
    },
  );
});

it(
  'a transaction that is aborted once, after any of its requests, leaves no trace and is not told',
  { timeout },
  async () => {
    const options = { durability: 'strict', how: 'abortedOnce' } as const;
    const report = await tab.page.evaluate((which) => crashLab.checkFailures(which), options);
    expect(report.findings).toEqual([]);
    expect(report.runs).toBeGreaterThan(80);
    console.log(`aborted once: ${report.runs} runs`);
  },
);

describe('the enumeration finds', () => {
  it('a storage that acknowledges before its transaction is complete', { timeout }, async () => {
    const { findings } = await tab.page.evaluate(() => crashLab.checkHasty());
    expect(findings.join('\n')).toMatch(/after 3 transactions: state 1, allowed 4 to 4/);
  });

  it('a storage that takes what was aborted for complete', { timeout }, async () => {
    const { findings } = await tab.page.evaluate(() => crashLab.checkDeaf());
    expect(findings.join('\n')).toMatch(/transaction 3 refused after request 4: 4 steps were acknowledged, not 1/);
  });

  it('an append in two transactions', { timeout }, async () => {
    const { findings } = await tab.page.evaluate(() => crashLab.checkMistake('appendInTwo'));
    expect(findings.join('\n')).toMatch(
      /after 3 transactions: state -1, allowed 0 to 1: storage_corrupt.*beyond the last chunk/,
    );
  });

  it('a pointer to a snapshot that is not all there', { timeout }, async () => {
    const { findings } = await tab.page.evaluate(() => crashLab.checkMistake('pointerFirst'));
    expect(findings.join('\n')).toMatch(/storage_corrupt.*snapshot 1 chunk 1.*the record is missing/);
  });
});
