// Holds the manifests and the lock file together: `npm ci` from a clean checkout must give every machine the same tree.
// A lock file that lacks a binding for some platform, which npm writes without a word, fails there and only there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rooms } from './rules.ts';

const root = join(import.meta.dirname, '../..');

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface LockFile {
  readonly packages: Readonly<Record<string, Locked>>;
}
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node: string };
}

const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));
const lockFile = read('package-lock.json') as LockFile;
const rootManifest = read('package.json') as Manifest;
const manifests = Object.keys(rooms).map((name) => read(`packages/${name}/package.json`) as Manifest);

/** Bindings that the lock file names but does not hold, where `npm ci` insists: what is itself optional may lack them. */
function holes({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { optional, optionalDependencies }]) =>
    Object.keys(optional === true ? {} : (optionalDependencies ?? {}))
      .filter(
        (name) =>
          packages[`${path}/node_modules/${name}`] === undefined && packages[`node_modules/${name}`] === undefined,
      )
      .map((name) => `${path} → ${name}`),
  );
}

/** Dependencies that are not of one exact version. */
function loose(manifest: Manifest): string[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    .map(([name, version]) => `${manifest.name}: ${name}@${version}`);
}

describe('the lock file', () => {
  it('holds every binding of every platform', () => {
    expect(holes(lockFile)).toEqual([]);
    expect(holes({ packages: { 'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } } } })).toHaveLength(1);
  });

  it('names no registry, so that each machine uses its own', () => {
    const fetched = Object.entries(lockFile.packages).filter(
      ([, { link, resolved }]) => link !== true && resolved !== undefined,
    );
    expect(fetched).toEqual([]);
  });
});

describe('the manifests', () => {
  it('pin every dependency to one version', () => {
    expect([rootManifest, ...manifests].flatMap(loose)).toEqual([]);
    expect(loose({ name: 'a', version: '1.0.0', license: 'MIT', dependencies: { b: '^1.0.0' } })).toHaveLength(1);
  });

  it('list all workspaces of the arrow table, with one version, one licence and one range of Node', () => {
    expect(rootManifest.workspaces?.filter((path) => path.startsWith('packages/')).toSorted()).toEqual(
      Object.keys(rooms)
        .map((name) => `packages/${name}`)
        .toSorted(),
    );
    expect(new Set(manifests.map((manifest) => manifest.version)).size).toBe(1);
    expect(new Set(manifests.map((manifest) => manifest.license))).toEqual(new Set(['MIT']));
    expect(new Set(manifests.map((manifest) => manifest.engines?.node))).toEqual(new Set([rootManifest.engines?.node]));
  });

  it('stand beside a copy of the licence, which goes wherever the package goes', () => {
    const text = readFileSync(join(root, 'LICENSE'), 'utf8');
    for (const name of Object.keys(rooms)) {
      expect(readFileSync(join(root, 'packages', name, 'LICENSE'), 'utf8'), name).toBe(text);
    }
  });

  it('depend on nothing that asks for a newer Node than they promise', () => {
    const lowest = /^>=(\d+)/.exec(rootManifest.engines?.node ?? '')?.[1];
    const demanding = manifests.flatMap((manifest) =>
      Object.keys(manifest.dependencies ?? {}).filter((name) => {
        const path = `node_modules/${name}/package.json`;
        if (name.startsWith('@raftkv/') || !existsSync(join(root, path))) return false;
        const asked = /^>=\s*(\d+)/.exec((read(path) as Manifest).engines?.node ?? '')?.[1];
        return asked !== undefined && Number(asked) > Number(lowest);
      }),
    );
    expect(demanding).toEqual([]);
  });
});
