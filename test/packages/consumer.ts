// Packs every workspace as npm would publish it and installs the tarballs into an empty folder, as a stranger would. Knows
// nothing of what is then checked there: packed.test.ts does.
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Packed {
  readonly name: string;
  readonly version: string;
  readonly tarball: string;
  /** Paths inside the package. */
  readonly files: readonly string[];
  /** The doors: `.`, `./node`, … without package.json. */
  readonly doors: readonly string[];
}

interface PackReport {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** The folders of the packages that are built and published: a workspace that is a test's, or has no code yet, is neither. */
function publishedFolders(): string[] {
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    references: readonly { readonly path: string }[];
  };
  const built = new Set(references.map(({ path }) => path.replace(/\/tsconfig\.\w+\.json$/, '')));
  return [...built].filter((folder) => {
    const { private: isPrivate } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
      private?: boolean;
    };
    return isPrivate !== true;
  });
}

/** Builds what is stale, then packs all published workspaces into `folder`. */
export function packAll(folder: string): Packed[] {
  mkdirSync(folder, { recursive: true });
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root });
  const workspaces = publishedFolders().map((workspace) => `--workspace=${workspace}`);
  const printed = run('npm', ['pack', ...workspaces, '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  const reports = Object.values(JSON.parse(printed) as Record<string, PackReport>);
  return reports.map(({ name, version, filename, files }) => {
    const manifest = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as { exports: object };
    return {
      name,
      version,
      tarball: join(folder, filename),
      files: files.map((file) => file.path),
      doors: Object.keys(manifest.exports).filter((door) => door !== './package.json'),
    };
  });
}

/** Installs the tarballs, and from the registry what they depend on, without running anybody's scripts. */
export function install(packed: readonly Packed[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  const tarballs = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  // React has its types in a package of its own: whoever writes TypeScript with it has them.
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Readonly<Record<string, string>>;
  };
  const dependencies = { ...tarballs, '@types/react': devDependencies['@types/react'] };
  const manifest = { name: 'stranger', private: true, type: 'module', dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  run('npm', ['install', ...quiet], { cwd: folder });
}

/** Runs a program and gives its output; throws with all that it printed when it fails. */
export function run(program: string, words: readonly string[], options: ExecFileSyncOptions): string {
  try {
    const output = execFileSync(program, words, { timeout: 600_000, stdio: 'pipe', maxBuffer: 64 << 20, ...options });
    return output.toString('utf8');
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    throw new Error(`${program} ${words.join(' ')} failed:\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error });
  }
}

/** The folder of a workspace by its package name. */
function folderOf(name: string): string {
  return join(root, 'packages', name.replace('@raftkv/', ''));
}

/** Paths under `folder`, relative to it. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
