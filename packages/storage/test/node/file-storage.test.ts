// Opening a directory: what goes wrong first is what is told, even if the lock cannot be given back after it.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { entries, member } from '../../src/conformance-tools.ts';
import { openFileStorage } from '../../src/node/index.ts';

it('tells of a damaged log, not of the lock that it could not release', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'raftkv-opening-'));
  const open = () => openFileStorage({ directory, create: true, identity: member });
  const storage = await open();
  await storage.append({ hardState: undefined, entries: entries(1, 3) });
  await storage.close();
  const log = join(directory, 'log-0000000000000001');
  const bytes = readFileSync(log);
  bytes[4100]! ^= 1;
  writeFileSync(log, bytes);
  // What the release of the next lock, number 2, would write beside it cannot be.
  mkdirSync(join(directory, 'lock-00000002.tmp'));
  await expect(open()).rejects.toMatchObject({ code: 'storage_corrupt' });
  await expect(open()).rejects.toMatchObject({ code: 'storage_corrupt' });
  expect(readdirSync(directory).filter((name) => name.startsWith('lock-'))).toEqual(['lock-00000003']);
  rmSync(directory, { recursive: true });
});
