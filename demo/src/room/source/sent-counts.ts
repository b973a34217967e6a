// How many messages of each kind a member sent to whom since it was last asked: what others can draw of a link that they are not an end of.
import type { MessageSeen } from '../core/core-watch.ts';
import type { SentCount } from './tell.ts';

export class SentCounts {
  readonly #counts = new Map<string, { to: string; kind: MessageSeen['kind']; count: number; lost: number }>();

  add(to: string, { kind, isLost }: MessageSeen): void {
    const key = `${to} ${kind}`;
    const known = this.#counts.get(key) ?? { to, kind, count: 0, lost: 0 };
    this.#counts.set(key, known);
    known.count += 1;
    if (isLost) known.lost += 1;
  }

  take(): readonly SentCount[] {
    const taken = [...this.#counts.values()];
    this.#counts.clear();
    return taken;
  }
}
