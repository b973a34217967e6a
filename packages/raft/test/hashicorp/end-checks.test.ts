// The end checks of the fuzzy scenarios, shown to fail on remains that are not right.
import { type Remains, findWrongs } from './end-checks.ts';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../member.ts';

function remains(id: string, words: string): Remains {
  const entries = words.split(' ').map((word, i) => {
    const [term, text] = word.split(':') as [string, string];
    return { index: i + 1, term: Number(term), kind: 'command' as const, data: bytesOf(text) };
  });
  const applied = entries.map(({ index, term }, i) => ({ index, term, text: words.split(' ')[i]!.split(':')[1]! }));
  return { id, entries, applied };
}

describe('the end checks', () => {
  const good = remains('a', '1:x 1:y 2:z');
  const acknowledged = [{ index: 2, term: 1, text: 'y' }];

  it('find nothing where logs, sequences and acknowledgements agree', () => {
    expect(findWrongs([good, { ...good, id: 'b' }], acknowledged)).toEqual([]);
  });

  it.each([
    [
      'an entry that differs',
      remains('b', '1:x 1:w 2:z'),
      'the logs of a and b differ: 2/1 command y and 2/1 command w',
    ],
    [
      'an entry of another term',
      remains('b', '1:x 2:y 2:z'),
      'the logs of a and b differ: 2/1 command y and 2/2 command y',
    ],
    ['a log that is shorter', remains('b', '1:x 1:y'), 'the logs of a and b differ: 3/2 command z and undefined'],
    ['terms that fall', remains('b', '1:x 2:y 1:z'), 'b: term 1 at 3 after 2'],
    [
      'another sequence',
      { ...good, id: 'b', applied: good.applied.toReversed() },
      'a and b applied differently: 1/1 x and 3/2 z',
    ],
    [
      'an entry applied twice',
      { ...good, id: 'b', applied: [...good.applied, good.applied[2]!] },
      'a and b applied differently: undefined and 3/2 z',
    ],
  ])('find %s', (_, other, finding) => {
    expect(findWrongs([good, other], acknowledged)).toContain(finding);
  });

  it('find an acknowledged apply that is lost, one that is elsewhere, and what is not applied', () => {
    expect(findWrongs([good], [{ index: 4, term: 2, text: 'q' }])).toEqual([
      'acknowledged 4/2 command q, found undefined',
    ]);
    expect(findWrongs([good], [{ index: 1, term: 1, text: 'y' }])).toEqual([
      'acknowledged 1/1 command y, found 1/1 command x',
    ]);
    expect(findWrongs([{ ...good, applied: [] }], [])).toEqual(['a applied 0 of 3 entries']);
    expect(findWrongs([], [])).toEqual(['nobody is left']);
  });
});
