// What a checker says: that a promise was kept, that it was broken and how, or that it could not find out in time. Every checker
// of this folder answers in this form; nothing here judges.

/** `unknown`: a search ran out of its budget. A test counts it as failure. */
export interface Verdict {
  readonly verdict: 'holds' | 'violation' | 'unknown';
  /** The promise, as the README names it. */
  readonly promise: string;
  /** For people, a line or a few: what was seen and what should have been. Empty with `holds`. */
  readonly explanation: string;
}

export function holds(promise: string): Verdict {
  return { verdict: 'holds', promise, explanation: '' };
}

export function violation(promise: string, explanation: string): Verdict {
  return { verdict: 'violation', promise, explanation };
}
