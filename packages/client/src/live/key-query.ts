// A live query of one key.
import type { Key } from '@raftkv/kv';
import type { LiveEntry } from '../live.ts';
import { Query } from './query.ts';
import type { QueryOwner } from './query.ts';
import type { Scene } from './scene.ts';

export class KeyQuery extends Query<LiveEntry<unknown, never> | null> {
  readonly key: Key;
  #entry: LiveEntry<unknown, never> | null = null;

  constructor(scene: Scene<unknown, never>, owner: QueryOwner, key: Key) {
    super(scene, owner);
    this.key = key;
  }

  protected override look(): LiveEntry<unknown, never> | null {
    this.#entry = this.scene.rowAt(this.key, this.#entry ?? undefined) ?? null;
    return this.#entry;
  }

  protected override countPending(): number {
    return this.scene.overlay.countAt(this.key);
  }
}
