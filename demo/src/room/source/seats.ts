// The seats that this browser has in a room: each is a member, with a name and a database of its own, and a tab that comes takes one that is free: after a
// reload the one that it had, else one that a closed tab left, else a new one. A Web Lock for each says who sits where.

export interface Seat {
  readonly name: string;
  /** Of its database. */
  readonly storage: string;
  /** Nobody sat here before. */
  readonly isNew: boolean;
  /** Somebody else may have it. Idempotent. */
  leave(): void;
}

const names = [
  'ash',
  'birch',
  'cedar',
  'elm',
  'fir',
  'hazel',
  'larch',
  'linden',
  'maple',
  'oak',
  'pine',
  'rowan',
  'willow',
  'yew',
];
const reloadMilliseconds = 1_500;

export class Seats {
  readonly #room: string;

  constructor(room: string) {
    this.#room = room;
  }

  /** Of this browser, taken or not. */
  list(): readonly string[] {
    try {
      return JSON.parse(localStorage.getItem(this.#listKey) ?? '[]') as string[];
    } catch {
      return [];
    }
  }

  /** `isTaken`: names of members elsewhere. */
  async take(isTaken: (name: string) => boolean): Promise<Seat> {
    const own = sessionStorage.getItem(this.#listKey);
    if (own !== null && this.list().includes(own)) {
      // The page that was just left needs a moment. A duplicated tab waits in vain, and is another one.
      const seat = await this.sitDown(own, reloadMilliseconds);
      if (seat !== undefined) return this.#mine(seat);
    }
    for (const name of this.list()) {
      const seat = await this.sitDown(name);
      if (seat !== undefined) return this.#mine(seat);
    }
    return this.takeNew(isTaken);
  }

  async takeNew(isTaken: (name: string) => boolean): Promise<Seat> {
    const start = Math.floor(Math.random() * names.length);
    for (let at = 0; ; at += 1) {
      const round = Math.floor(at / names.length);
      const name = `${names[(start + at) % names.length]!}${round === 0 ? '' : `-${round + 1}`}`;
      if (this.list().includes(name) || isTaken(name)) continue;
      const seat = await this.sitDown(name);
      if (seat === undefined) continue;
      this.#save([...this.list(), name]);
      return this.#mine({ ...seat, isNew: true });
    }
  }

  /** A known seat, if it is free within that time. */
  async sitDown(name: string, waitMilliseconds = 0): Promise<Seat | undefined> {
    const lock = `raftkv-demo-seat ${this.#room}/${name}`;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), waitMilliseconds);
    const options = waitMilliseconds === 0 ? { ifAvailable: true } : { signal: controller.signal };
    return new Promise((resolve) => {
      navigator.locks
        .request(lock, options, (held) => {
          clearTimeout(timer);
          if (held === null) return resolve(undefined);
          return new Promise<void>((leave) => resolve({ name, storage: this.storageOf(name), isNew: false, leave }));
        })
        .catch(() => resolve(undefined));
    });
  }

  /** Its database is gone, or about to be. */
  strike(name: string): void {
    this.#save(this.list().filter((each) => each !== name));
  }

  storageOf(name: string): string {
    return `room/${this.#room}/${name}`;
  }

  #mine(seat: Seat): Seat {
    sessionStorage.setItem(this.#listKey, seat.name);
    return seat;
  }

  #save(list: readonly string[]): void {
    localStorage.setItem(this.#listKey, JSON.stringify(list));
  }

  get #listKey(): string {
    return `raftkv.room.${this.#room}`;
  }
}
