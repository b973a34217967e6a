// A real process that writes to a file storage as fast as it can and says on stdout what was acknowledged. Started, killed and faulted
// by the process tests; runs from the built package. Usage: node writer.mjs DIRECTORY SEED [BATCHES]
import { writeSync } from 'node:fs';
import { openFileStorage } from '@raftkv/storage/node';

const [directory, seedText, batchesText = 'Infinity'] = process.argv.slice(2);
const identity = { clusterId: 'c', memberId: 'm', memberName: 'node1' };
const configuration = { voters: ['m'], votersOutgoing: [], learners: [] };
const snapshotEvery = 150;
/** Synchronous, so that a kill right after an acknowledgement does not swallow its line. */
const say = (line) => writeSync(1, `${line}\n`);

let state = Number(seedText);
const random = (count) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 0x1_0000_0000) * count);
};

/** Content that says whose it is, of a length that varies. */
const dataOf = (index, term) => new Uint8Array(1 + ((index * 7919 + term * 31) % 3000)).fill((index + term) % 251);

function check({ entries, compactedIndex, snapshot, hardState }) {
  entries.forEach(({ index, term, data }, i) => {
    const expected = dataOf(index, term);
    const isRight = index === compactedIndex + 1 + i && Buffer.compare(data, expected) === 0;
    if (!isRight) throw new Error(`entry ${index} is not what was written`);
  });
  if (compactedIndex > (snapshot?.lastIncludedIndex ?? 0)) throw new Error('a gap between snapshot and log');
  if (entries.length > 0 && entries.at(-1).term > (hardState?.term ?? 0)) throw new Error('a hard state is missing');
}

async function checkSnapshot(storage, snapshot) {
  if (snapshot === undefined) return;
  const reader = await storage.openSnapshot();
  const bytes = await reader.read(0, reader.totalBytes);
  await reader.close();
  const expected = dataOf(snapshot.lastIncludedIndex, 0);
  if (Buffer.compare(bytes, expected) !== 0) throw new Error('the snapshot is not what was written');
}

async function snapshotAndCompact(storage, index, term) {
  const writer = await storage.createSnapshot({ lastIncludedIndex: index, lastIncludedTerm: term, configuration });
  await writer.write(dataOf(index, 0));
  await writer.commit();
  await storage.compact(Math.max(0, index - 20));
}

try {
  const storage = await openFileStorage({ directory, create: true, identity, segmentBytes: 64 * 1024 });
  const loaded = await storage.load();
  check(loaded);
  await checkSnapshot(storage, loaded.snapshot);
  let term = loaded.hardState?.term ?? 1;
  let index = loaded.entries.at(-1)?.index ?? loaded.compactedIndex;
  const lastTerm = loaded.entries.at(-1)?.term ?? loaded.compactedTerm;
  say(`loaded ${index} ${lastTerm} repairs ${loaded.repairs.length}`);
  let snapshotIndex = index;
  let snapshotWork = Promise.resolve();
  let open = [];
  for (let batch = 0; batch < Number(batchesText); batch += 1) {
    // Now and then a new leader replaces the last entries.
    if (random(40) === 0) {
      term += 1;
      index = Math.max(snapshotIndex, index - random(4));
    }
    const entries = Array.from({ length: 1 + random(3) }, (_, i) => {
      return { index: index + 1 + i, term, kind: 'command', data: dataOf(index + 1 + i, term) };
    });
    index += entries.length;
    const [ackIndex, ackTerm] = [index, term];
    const appended = storage.append({ hardState: { term, votedFor: 'm', commitIndex: 0 }, entries });
    open.push(appended.then(() => say(`ack ${ackIndex} ${ackTerm}`)));
    if (open.length < 1 + random(5)) continue;
    await Promise.all(open);
    open = [];
    if (index - snapshotIndex < snapshotEvery) continue;
    await snapshotWork;
    snapshotIndex = index;
    snapshotWork = snapshotAndCompact(storage, index, term);
    // Seen by the await above; a failure also rejects the next append.
    snapshotWork.catch(() => undefined);
  }
  await Promise.all([...open, snapshotWork]);
  say(`statistics ${JSON.stringify(storage.statistics())}`);
  await storage.close();
  say('closed');
} catch (error) {
  say(`failed ${error.code} ${error.message}`);
  process.exitCode = 3;
}
