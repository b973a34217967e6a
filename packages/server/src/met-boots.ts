// The newest start of each storage that this member has met, kept durably. A storage that comes with an older start, or with another history than the one that was
// met, is a copy, or was put back to an earlier state: what it promised since is lost, so it is refused. Asked by the registry for each handshake.
import type { Storage } from '@raftkv/storage';
import { RaftkvError } from '@raftkv/wire';
import type { Incarnation } from '@raftkv/wire';
import { isCount, isDraw, isSuccessor } from './incarnation.ts';
import type { Boot } from './incarnation.ts';

const noteName = 'boots';
const noteVersion = 1;
/** Storages of nobody that is known: guests, and those that were removed. Beyond, the one that was started longest ago is forgotten. */
const maxStrangers = 16;

export interface MetBootsOptions {
  readonly storage: Storage;
  /** Whether this is the storage of a member. */
  readonly isKnown: (storeId: string) => boolean;
}

export class MetBoots {
  readonly #options: MetBootsOptions;
  /** By store id, those that were noted last behind. */
  readonly #boots = new Map<string, Boot>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: MetBootsOptions) {
    this.#options = options;
  }

  /** Throws `storage_corrupt` or `unsupported_version` if the note does not decode. */
  static async open(options: MetBootsOptions): Promise<MetBoots> {
    const met = new MetBoots(options);
    const bytes = await options.storage.getNote(noteName);
    if (bytes !== undefined) met.#restore(bytes);
    return met;
  }

  /** Resolves once this start, or a newer one, is noted; nothing is written if it is no news. Rejects with `member_superseded`. */
  async meet(peer: { readonly name: string; readonly storeId: string }, incarnation: Incarnation): Promise<void> {
    const { storeId, name } = peer;
    const known = this.#boots.get(storeId);
    if (known !== undefined && !isSuccessor(known, incarnation)) throw superseded(name, known, incarnation);
    // A second channel must not be welcomed before the note for the first one is durable.
    if (known?.bootCount === incarnation.bootCount) return this.#writing;
    this.#boots.delete(storeId);
    this.#boots.set(storeId, { bootCount: incarnation.bootCount, draw: incarnation.draws[0]! });
    this.#forgetStrangers();
    const note = { version: noteVersion, boots: Object.fromEntries(this.#boots) };
    const bytes = new TextEncoder().encode(JSON.stringify(note));
    this.#writing = this.#writing.then(() => this.#options.storage.setNote(noteName, bytes));
    return this.#writing;
  }

  #forgetStrangers(): void {
    const strangers = [...this.#boots.keys()].filter((storeId) => !this.#options.isKnown(storeId));
    for (const storeId of strangers.slice(0, -maxStrangers)) this.#boots.delete(storeId);
  }

  #restore(bytes: Uint8Array): void {
    let note: { readonly version?: unknown; readonly boots?: unknown };
    try {
      note = JSON.parse(new TextDecoder().decode(bytes)) as typeof note;
    } catch (error) {
      throw new RaftkvError('storage_corrupt', `the note "${noteName}" is not JSON`, { cause: error });
    }
    if (note.version !== noteVersion) {
      throw new RaftkvError('unsupported_version', `the note "${noteName}" is of version ${String(note.version)}`);
    }
    for (const [storeId, boot] of Object.entries(note.boots ?? {})) {
      const { bootCount, draw } = (boot ?? {}) as Partial<Boot>;
      if (!isCount(bootCount) || !isDraw(draw)) {
        throw new RaftkvError('storage_corrupt', `the note "${noteName}" has an unknown form`);
      }
      this.#boots.set(storeId, { bootCount, draw });
    }
  }
}

function superseded(name: string, known: Boot, { bootCount }: Incarnation): RaftkvError {
  const seen = `start ${known.bootCount} of its storage was met here, of which start ${bootCount} knows nothing`;
  const message =
    `${name} is a copy, or was put back to an older copy: ${seen}. What it promised since is lost, so it may not take part. Stop all copies; ` +
    `keep the one that goes on, if one does; empty the data directories of the others, and join the machine anew, with --replace and its name`;
  return new RaftkvError('member_superseded', message);
}
