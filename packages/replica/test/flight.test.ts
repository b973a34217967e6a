// The flight recorder: what it writes can be played again to the same answers, each part alone; a difference is found, and no value is in it.
import { FlightRecorder } from '../src/flight-recorder.ts';
import type { FlightSink } from '../src/flight-recorder.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cluster, ids, linearize, propose, until } from './cluster.ts';
import { decodeConfiguration, encodeConfiguration } from '@raftkv/wire';
import { FlightPlayer } from '../src/flight-player.ts';
import { replayFlight } from '../src/flight-replay.ts';

const configurationCodec = { encode: encodeConfiguration, decode: decodeConfiguration };

class Parts implements FlightSink {
  readonly parts: string[][] = [];
  begin(): void {
    this.parts.push([]);
  }
  write(line: string): void {
    this.parts.at(-1)!.push(line);
  }
}

let cluster: Cluster;
let sinks: Map<string, Parts>;
let maxPartLength: number | undefined;

beforeEach(() => {
  maxPartLength = undefined;
  sinks = new Map(ids.map((id) => [id, new Parts()]));
  cluster = new Cluster({ snapshotThreshold: 20, retainedEntries: 5 }, (id) => ({
    recorder: new FlightRecorder(sinks.get(id)!, {
      software: 'test',
      now: () => performance.now(),
      ...(maxPartLength === undefined ? {} : { maxPartLength }),
    }),
  }));
});
afterEach(() => cluster.close());

/** Writes, reads, a leader that stops, a follower that comes back behind the log. */
async function fly(): Promise<void> {
  await cluster.startAll();
  const first = cluster.leader()!;
  const late = ids.find((id) => id !== first)!;
  await cluster.stopNoticed(late);
  const leader = cluster.replicas.get(first)!;
  for (let i = 0; i < 60; i++) await propose(leader, `secret ${i}`);
  await linearize(leader);
  await cluster.start(late);
  await until(() => cluster.replicas.get(late)!.appliedIndex >= leader.appliedIndex);
  await cluster.stop(first);
  await until(() => cluster.leader() !== undefined);
  await propose(cluster.replicas.get(late)!, 'from a follower, or not').catch(() => undefined);
}

/** Of the recordings the one that was made for the longest time. */
const longest = (): string[] => {
  const recordings = [...sinks.values()].map(({ parts }) => parts[0]!);
  return [...recordings.toSorted((a, b) => b.length - a.length)[0]!];
};

function sightOf(player: FlightPlayer): unknown {
  const { role, term, votedFor, leaderId, commitIndex, appliedIndex, persistedIndex, lastIndex } = player.status();
  const { inputs, readys } = player;
  const lastTerm = player.termAt(lastIndex);
  return {
    role,
    term,
    votedFor,
    leaderId,
    commitIndex,
    appliedIndex,
    persistedIndex,
    lastIndex,
    lastTerm,
    inputs,
    readys,
  };
}

const replay = (lines: readonly string[]) => replayFlight(lines, { configurationCodec });

describe('a flight recording', () => {
  it('gives the same answers when it is played again, for every member', async () => {
    await fly();
    for (const id of ids) {
      const status = cluster.replicas.get(id)?.status().raft;
      await cluster.stop(id);
      for (const part of sinks.get(id)!.parts) {
        const result = replay(part);
        expect(result.divergedAt).toBeUndefined();
        expect(result.readys).toBeGreaterThan(0);
      }
      if (status === undefined) continue;
      const { role, term, commitIndex, lastIndex, persistedIndex } = status;
      const { status: end } = replay(sinks.get(id)!.parts.at(-1)!);
      expect({ ...end }).toMatchObject({ role, term, commitIndex, lastIndex, persistedIndex });
    }
  });

  it('is cut into parts, each of which can be played alone', async () => {
    maxPartLength = 3_000;
    await fly();
    const all = [...sinks.values()].flatMap(({ parts }) => parts);
    expect(all.length).toBeGreaterThan(10);
    for (const part of all) {
      expect(replay(part).divergedAt).toBeUndefined();
      expect(part.slice(1).join('\n').length).toBeLessThan(maxPartLength + 2_000);
    }
  });

  it('holds no value, and ends where the process was killed', async () => {
    await fly();
    const [part] = sinks.get('a')!.parts;
    expect(part!.join('\n')).not.toContain('secret');
    expect(part!.join('\n')).not.toContain(btoa('secret'));
    const cut = [...part!.slice(0, -1), part!.at(-1)!.slice(0, -3)];
    expect(replay(cut)).toMatchObject({ divergedAt: undefined, halted: undefined });
  });

  it('tells the line from which on a core answers something else', async () => {
    await fly();
    const lines = longest();
    const at = lines.findIndex((line, number) => number > 30 && line.includes('"tick"'));
    lines.splice(at, 1, '["s",0,{"type":"campaign"}]');
    const trace: string[] = [];
    const { divergedAt } = replayFlight(lines, { configurationCodec, onTrace: (line) => trace.push(line) });
    expect(divergedAt).toBeGreaterThan(at);
    expect(trace.at(-1)).toContain('≠ Ready');
  });

  it('is gone through forwards and back, and is the same at each line whichever way one comes', async () => {
    await fly();
    const lines = longest();
    const player = new FlightPlayer(lines, configurationCodec);
    expect(player.length).toBe(lines.length - 1);
    const seen = [JSON.stringify(sightOf(player))];
    while (player.next() !== undefined) seen.push(JSON.stringify(sightOf(player)));
    expect(player.position).toBe(player.length);
    expect(new Set(seen).size).toBeGreaterThan(20);
    for (const position of [player.length - 1, 3, 0, Math.floor(player.length / 2), player.length, player.length + 9]) {
      player.goTo(position);
      expect(player.position).toBe(Math.min(position, player.length));
      expect(JSON.stringify(sightOf(player))).toBe(seen[player.position]);
    }
  });

  it.each([
    ['is not JSON', ['nonsense'], 'bad_frame'],
    ['is of another kind', ['{"format":"something"}'], 'bad_frame'],
    ['is of a newer format', ['{"format":"raftkv-flight","version":2,"checkpoint":{}}'], 'unsupported_version'],
  ])('is refused when it %s', (_, lines, code) => {
    expect(() => replay(lines)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('is refused when a line in the middle does not decode', async () => {
    await fly();
    const lines = longest();
    lines[10] = lines[10]!.slice(0, 5);
    expect(() => replay(lines)).toThrow(/line 11 .* does not decode/);
  });
});
