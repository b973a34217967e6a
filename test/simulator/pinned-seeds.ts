// Worlds in which a bug of the product was found, kept for good: each is run again with every `npm test`. A seed means the same world only as long as the
// simulator draws the same; a bug that matters has a test of its own beside the code as well.

export interface PinnedSeed {
  readonly seed: number;
  /** As `--adjust` takes it. */
  readonly adjust?: Readonly<Record<string, unknown>>;
  /** What was broken. */
  readonly what: string;
}

export const pinnedSeeds: readonly PinnedSeed[] = [
  { seed: 69, what: 'an unfounded cluster was asked to work without all of its founders' },
  {
    seed: 1398,
    what: 'a client whose words no longer reached its node stayed with it, since the news of a watch still came',
  },
  {
    seed: 1080,
    what: 'a check was too early: the disk had a received snapshot in place of its log, and the core was yet to hear of it',
  },
  {
    seed: 703,
    what: 'learners were never promoted where an election timeout is no longer than the pauses between two looks',
  },
  {
    seed: 3435,
    what: 'a founder believed what another one had said before on a slower channel, and waited for it for ever',
  },
  { seed: 2115, what: 'a process that was taken over before was held for the copy that was put in its place' },
  { seed: 6198, what: 'a slow world in which entries go one after the other was not given the time for its calls' },
  {
    seed: 10_569,
    what: 'a term that a process began whose place another one had taken was said to have been begun by nobody',
  },
  { seed: 11_475, what: 'a learner that got thousands of entries one by one was said not to come forward' },
  { seed: 1177, what: 'a simulated disk that was slow held up a write for minutes after all disks were mended' },
];
