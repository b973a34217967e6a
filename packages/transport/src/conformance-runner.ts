// The words of a test runner that the conformance suites speak, so that they run under any runner and in a browser. The suites are in
// `channel-conformance.ts` and `transport-conformance.ts`.

/** What a suite needs of a test runner; vitest's, jest's and node:test's words fit. */
export interface ConformanceRunner {
  readonly describe: (title: string, body: () => void) => void;
  readonly it: (title: string, body: () => Promise<void>) => void;
  readonly expect: (actual: unknown) => {
    toBe(expected: unknown): void;
    toEqual(expected: unknown): void;
    toBeGreaterThan(expected: number): void;
    toBeLessThanOrEqual(expected: number): void;
  };
}
