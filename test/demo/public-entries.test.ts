// The page is an app like any other: it is built on what the packages offer to all, and on nothing else. The room is one that puts members together, so it knows
// the doors of the engine's packages; nobody else does, or loads it before it is asked for.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../demo/src');
const allowed = [
  'raftkv',
  'raftkv/outbox',
  'raftkv/room',
  '@raftkv/react',
  '@raftkv/wire',
  'react',
  'react-dom/client',
];
const engine = [
  '@raftkv/raft',
  '@raftkv/replica',
  '@raftkv/server',
  '@raftkv/storage',
  '@raftkv/storage/web',
  '@raftkv/transport',
  '@raftkv/transport/web',
  '@raftkv/transport/webrtc',
];

interface Import {
  readonly name: string;
  readonly target: string;
  readonly isDynamic: boolean;
}

function importsOf(name: string): Import[] {
  const text = readFileSync(join(folder, name), 'utf8');
  return [...text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)].map(([, named, dynamic]) => ({
    name,
    target: (named ?? dynamic)!,
    isDynamic: dynamic !== undefined,
  }));
}

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
const found = files.flatMap(importsOf);
const isOfRoom = (path: string): boolean => path.startsWith('room/');
const resolve = ({ name, target }: Import): string => join(folder, name, '..', target);

describe('the page', () => {
  it('imports public entries alone, and no way out of its folder', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(found.some(({ target }) => target === 'raftkv')).toBe(true);
    const odd = found.filter((each) => {
      if (each.target.startsWith('.')) return !resolve(each).startsWith(folder);
      return !allowed.includes(each.target) && !(isOfRoom(each.name) && engine.includes(each.target));
    });
    expect(odd).toEqual([]);
  });

  it('loads the room, which carries the engine, only when somebody goes there', () => {
    const into = found.filter(
      (each) => !isOfRoom(each.name) && each.target.startsWith('.') && resolve(each).startsWith(join(folder, 'room/')),
    );
    expect(into.map(({ target, isDynamic }) => ({ target, isDynamic }))).toEqual([
      { target: './room/view/room-app.tsx', isDynamic: true },
    ]);
  });
});
