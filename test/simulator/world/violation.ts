// A broken promise: which check found it, and what it saw. Thrown by checks, caught by the run of a seed, counted by the kill table.

export class Violation extends Error {
  /** The promise that was broken: the name of the checker. */
  readonly checker: string;

  constructor(checker: string, message: string, options?: { readonly cause?: unknown }) {
    super(`${checker}: ${message}`, options);
    this.name = 'Violation';
    this.checker = checker;
  }
}
