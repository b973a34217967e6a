// Where election timeouts come from: what one member draws says nothing about what another does.
import { describe, expect, it } from 'vitest';
import { seedRandom } from '../src/random.ts';

describe('the first state of the generator', () => {
  it('differs between members whose seeds and ids are equally far apart', () => {
    const states = [...'abcde'].map((id, i) => seedRandom(1001 + i, id));
    expect(new Set(states).size).toBe(5);
  });

  it('differs in about half of its bits when one bit of the seed or of the id does', () => {
    let differing = 0;
    let pairs = 0;
    for (let seed = 0; seed < 64; seed++) {
      for (const [one, two] of [
        [seedRandom(seed, 'a'), seedRandom(seed ^ 1, 'a')],
        [seedRandom(seed, 'b'), seedRandom(seed, 'c')],
        [seedRandom(seed, '0000000000000001'), seedRandom(seed, '0000000000000002')],
      ] as const) {
        pairs++;
        for (let bits = (one ^ two) >>> 0; bits > 0; bits = Math.floor(bits / 2)) differing += bits % 2;
      }
    }
    expect(differing / pairs).toBeGreaterThan(14);
    expect(differing / pairs).toBeLessThan(18);
  });

  it('is the same for the same seed and id', () => {
    expect(seedRandom(7, 'a')).toBe(seedRandom(7, 'a'));
  });
});
