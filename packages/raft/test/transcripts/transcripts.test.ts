// The protocol as it is spoken, message by message, in short scenarios that are stored as text beside this file. A change of
// the protocol shows as a diff of them: `RAFTKV_UPDATE_TRANSCRIPTS=1 npx vitest run --project unit packages/raft/test/transcripts`
// writes them anew, and a reviewer reads what changed.
import { describe, expect, it } from 'vitest';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { rewrite } from './interpreter.ts';

const folder = new URL('.', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

describe('what members say to each other', () => {
  it('is written down in a dozen scenarios', () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
  });

  it.each(names)('%s', (name) => {
    const path = new URL(name, folder);
    const stored = readFileSync(path, 'utf8');
    const now = rewrite(stored);
    if (process.env['RAFTKV_UPDATE_TRANSCRIPTS'] === '1') writeFileSync(path, now);
    else expect(now).toBe(stored);
    // Each of them has something to compare.
    expect(now.split('\n').filter((line) => /^\d (is|→|writes) /.test(line)).length).toBeGreaterThan(1);
  });

  it('is compared with what is stored: another order of messages is seen', () => {
    const stored = readFileSync(new URL('campaign.txt', folder), 'utf8');
    const lines = stored.split('\n');
    const at = lines.findIndex((line) => line.includes('voteRequest term 1'));
    const swapped = lines
      .with(at, lines[at + 1]!)
      .with(at + 1, lines[at]!)
      .join('\n');
    expect(swapped).not.toBe(stored);
    expect(rewrite(swapped)).toBe(stored);
  });
});
