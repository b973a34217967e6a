// What a suite says of the findings of a run of chaos. That something took longer than it may is told apart: on a busy machine it may be nobody's fault, and `npm test`
// asks a suite of which nothing else failed once more, alone (`reports.mjs`). Used by the short runs in `npm test`.
import { expect } from 'vitest';

/** What did not come in time, and nothing else. */
const late =
  /^(the run broke off: Error: (?<what>waited \d+ ms in vain|not within \d+ ms)|nobody was answered for (?<pause>\d+) ms)/;

/** Fails with the findings, if there are any. `about`: the run. */
export function expectNone(findings: readonly string[], about: string): void {
  const found = findings.map((finding) => late.exec(finding));
  const [first] = found;
  if (first != null && !found.includes(null)) {
    const { what = `waited ${first.groups!['pause']} ms in vain` } = first.groups!;
    throw new Error(`${what}: ${findings.join('\n')}\n${about}`);
  }
  expect(findings, about).toEqual([]);
}
