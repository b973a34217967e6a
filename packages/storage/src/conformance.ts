// The conformance suite of the Storage contract, run by each adapter. The test functions are passed in, so that product code
// imports no test runner; `StorageUnderTest` is a place that can be opened, closed and opened again.
import { describeLog } from './conformance-log.ts';
import { describeOpening } from './conformance-opening.ts';
import { describeSnapshots } from './conformance-snapshots.ts';
import type { ConformanceTools, StorageUnderTest, TestFunctions } from './conformance-tools.ts';

export type { ConformanceExpect, OpenOptions, StorageUnderTest, TestFunctions } from './conformance-tools.ts';

/**
 * Declares the suite.
 *
 * @example
 * storageConformance({ name: 'memory', test: { describe, it, expect }, createPlace: async () => new MemoryPlace() });
 */
export function storageConformance(options: {
  readonly name: string;
  readonly test: TestFunctions;
  /** A new, empty place for each test. */
  readonly createPlace: () => Promise<StorageUnderTest>;
}): void {
  const { name, test, createPlace } = options;
  const tools: ConformanceTools = { ...test, createPlace };
  test.describe(`the storage contract: ${name}`, () => {
    describeOpening(tools);
    describeLog(tools);
    describeSnapshots(tools);
  });
}
