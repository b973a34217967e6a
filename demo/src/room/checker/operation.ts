// What the workload did and what came of it, as the checker judges it and as tabs tell each other. Types, and the words for people.

/** Of one register. Times are milliseconds of the wall clock that all tabs of a machine share. */
export interface Operation {
  /** Unique: "ash 12". */
  readonly id: string;
  readonly client: string;
  readonly key: string;
  readonly call: number;
  readonly end: number;
  /** What the store said, or `unknown`: no answer came, so the write may take effect at any time after `call`. */
  readonly outcome: Outcome;
}

export type Outcome =
  /** `after`: a compare-and-set that found this revision, 0 for none. */
  | { readonly type: 'write'; readonly value: string; readonly revision: number; readonly after?: number }
  /** A compare-and-set that was refused is a read, too. Revision 0: there was nothing. */
  | { readonly type: 'read'; readonly value: string | undefined; readonly revision: number }
  | { readonly type: 'unknown'; readonly value: string };

export function describeOperation({ client, key, outcome }: Operation): string {
  switch (outcome.type) {
    case 'write': {
      const how = outcome.after === undefined ? 'put' : `compare-and-set after ${outcome.after}`;
      return `at ${client}: ${how} ${key} = ${outcome.value}, acknowledged at revision ${outcome.revision}`;
    }
    case 'read':
      return outcome.revision === 0
        ? `at ${client}: get ${key} found nothing`
        : `at ${client}: get ${key} found ${outcome.value} of revision ${outcome.revision}`;
    case 'unknown':
      return `at ${client}: put ${key} = ${outcome.value}, no answer`;
  }
}
