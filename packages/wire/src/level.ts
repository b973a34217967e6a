// The layout of the level at which something is read.
import type { ReadLevel } from './client.ts';
import { oneOf } from './layout.ts';

export const level = oneOf<ReadLevel>(['linearizable', 'session', 'local']);
