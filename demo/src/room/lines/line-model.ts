// The lines that people write in a room: keys in the order in which they were made, each with its text in it, and who wrote it as the value. What becomes of one on its
// way into the room, in plain words. Pure; shown by `lines-panel.tsx`.
import { RaftkvError } from 'raftkv';
import type { LiveEntry, WriteState } from 'raftkv';
import { refusal } from '../../model/words.ts';

export const lineRange = { prefix: 'line/' };
/** Characters: well below what a key may have. */
export const maxLineLength = 140;

export interface Line {
  /** Name of the tab. */
  readonly by: string;
}

/**
 * The text stands in the key, since keys are all that is known of a write that an earlier life of the page has left. `now`: milliseconds; `draw`: 0 to 1, so that no two tabs make
 * the same.
 */
export function newLineKey(text: string, now: number, draw: number): string {
  const order = Math.max(0, Math.floor(now)).toString(36).padStart(9, '0');
  const mark = Math.floor(draw * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return `${lineRange.prefix}${order}${mark}/${text.slice(0, maxLineLength)}`;
}

/** Undefined: the key is no line's. */
export function textOf(key: string): string | undefined {
  return /^line\/[\da-z]{13,}\/(.+)$/s.exec(key)?.[1];
}

/** Empty: nobody says. */
export function writerOf({ value }: Pick<LiveEntry<unknown>, 'value'>): string {
  const by = (value as Partial<Line> | null | undefined)?.by;
  return typeof by === 'string' ? by : '';
}

/** It ended badly, and stays on this device until somebody says what is to become of it. */
export function isUndecided({ status, kept }: WriteState): boolean {
  return kept === true && (status === 'refused' || status === 'unknown');
}

export interface Decision {
  /** What happened to it. */
  readonly why: string;
  /** What the button says that writes it anew; undefined: it is there already. */
  readonly again: string | undefined;
  /** What the one says that forgets it. */
  readonly drop: string;
}

/** `isThere`: the room has a line of that key. */
export function decisionOn({ status, error }: Pick<WriteState, 'status' | 'error'>, isThere: boolean): Decision {
  if (isThere) return { why: 'It came through after all: it is in the room.', again: undefined, drop: 'All right' };
  const isOfAnotherRoom = RaftkvError.from(error).code === 'wrong_cluster';
  const choice = { again: isOfAnotherRoom ? 'Write it in this room' : 'Write it again', drop: 'Drop it' };
  if (isOfAnotherRoom && status === 'refused') {
    return { ...choice, why: 'It waited when the room went on without its majority, so it is in neither room.' };
  }
  if (isOfAnotherRoom) {
    return { ...choice, why: 'It was on its way when the room went on without its majority, and is not in this room.' };
  }
  const because = refusal(error);
  return status === 'refused'
    ? { ...choice, why: `It was not written: ${because}` }
    : { ...choice, why: `Nobody can tell whether it was written: ${because} It is not in the room now.` };
}
