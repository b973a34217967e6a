// How long nobody can write after the tab that leads is gone: it is closed, or its process dies, in an otherwise healthy cluster, again and again, and the other
// tabs put all the while. Measured from the beginning of its end to the first acknowledgement of a put that began after it. A tab that is closed hands over in
// its last turn; one whose process dies does not, and is missed only after the election timeout.
import { firstPut } from '../chaos/deaths.ts';
import type { ActRecord } from '../chaos/work/act-record.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import type { Arena } from './arena.ts';
import { tabClient } from './tab-client.ts';

export interface DeathsOptions {
  readonly arena: Arena;
  /** Of each kind. */
  readonly deaths: number;
  readonly random: () => number;
  /** The puts are judged with all the others. */
  readonly record: ActRecord;
  readonly log: (what: string) => void;
}

export interface Deaths {
  /** Milliseconds without an acknowledged write, one for each death. */
  readonly closed: readonly number[];
  readonly crashed: readonly number[];
  /** Milliseconds from such an end to the word of another tab that it leads. */
  readonly elected: readonly number[];
}

export async function measureDeaths({ arena, deaths, random, record, log }: DeathsOptions): Promise<Deaths> {
  const gaps: Record<'closed' | 'crashed' | 'elected', number[]> = { closed: [], crashed: [], elected: [] };
  for (let death = 0; death < 2 * deaths; death += 1) {
    const leader = await waitFor('somebody leads', () => arena.leader(), { timeoutMilliseconds: 90_000 });
    await sleep(200 + random() * 800);
    const how = death % 2 === 0 && leader.browser.kind === 'Chromium' ? 'crashed' : 'closed';
    const clients = arena.seats.filter((seat) => seat !== leader).map((seat) => tabClient(seat));
    const known = arena.notes.length;
    const from = performance.now();
    const elected = waitFor(
      'another one leads',
      () => arena.notes.slice(known).some(({ role, name }) => role === 'leader' && name !== leader.name),
      { timeoutMilliseconds: 60_000, intervalMilliseconds: 5 },
    ).then(() => performance.now() - from);
    elected.catch(() => undefined);
    const gone = leader.closeTab(how === 'crashed' ? 'crash' : 'close');
    const gap = await firstPut(clients, record, { death, from });
    gaps[how].push(gap);
    if (how === 'crashed') gaps.elected.push(await elected);
    else await elected;
    log(`the tab of ${leader.name} that led was ${how}: no writes for ${Math.round(gap)} ms`);
    await gone;
    await arena.settle();
  }
  return gaps;
}
