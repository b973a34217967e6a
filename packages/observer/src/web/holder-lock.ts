// The Web Lock that says which tab of an origin holds the replica. Who waits for it stands in a queue, so that the next one has it as soon as the last
// one is gone, however it went. A tab that is not gone but does not move either can be robbed of it; it hears of that when it wakes.
export interface HolderLockOptions {
  readonly name: string;
  readonly locks: Pick<LockManager, 'request'>;
  readonly onHeld: () => void;
  /** Another tab took it. Not called for `leave`. */
  readonly onLost: () => void;
  /** The browser lets this page have no locks. */
  readonly onRefused: () => void;
}

/** One request for the lock; what comes of an older one than the present is of no interest. */
interface Claim {
  readonly giveUp: AbortController;
  /** Set while the lock is held. */
  release: (() => void) | undefined;
}

export class HolderLock {
  readonly #options: HolderLockOptions;
  #claim: Claim | undefined;

  constructor(options: HolderLockOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#claim?.release !== undefined;
  }

  /** Waits for its turn, if it does not have the lock or wait already. */
  queue(): void {
    if (this.#claim !== undefined) return;
    const giveUp = new AbortController();
    this.#request({ giveUp, release: undefined }, { signal: giveUp.signal });
  }

  /** Takes the lock from whoever has it. */
  steal(): void {
    this.leave();
    this.#request({ giveUp: new AbortController(), release: undefined }, { steal: true });
  }

  /** Gives it back, or leaves the queue. */
  leave(): void {
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.giveUp.abort();
    claim?.release?.();
  }

  #request(claim: Claim, how: LockOptions): void {
    const { name, locks, onHeld, onLost, onRefused } = this.#options;
    this.#claim = claim;
    const over = locks.request(name, how, () => {
      if (this.#claim !== claim) return undefined;
      return new Promise<void>((resolve) => {
        claim.release = resolve;
        onHeld();
      });
    });
    over.catch(() => {
      if (this.#claim !== claim) return;
      if (claim.release === undefined) return onRefused();
      this.#claim = undefined;
      onLost();
    });
  }
}
