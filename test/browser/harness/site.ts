// A site for one suite: bundles pages, as an app would be, and serves them on loopback. Each site has a port and so an origin of its own, with its own
// storage. Pages are made from the sources of the packages; or from the production build, with which some suites and, by `RAFTKV_BUILD=production`, any are run.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';

const packages = join(import.meta.dirname, '../../../packages');
const pagesFolder = join(import.meta.dirname, '../pages');
/** Pages about what is behind the door of a package: nobody else may reach that. */
const insidePages = join(packages, 'raftkv/test/web/pages');

export interface Site {
  /** Where the page of this name is; by default under a name that browsers trust as they trust https. */
  url(page: string, host?: string): string;
  close(): Promise<void>;
}

/** What the pages are made of. `production`: of what an app gets behind the browser's door, made anew where a source is younger. */
export type SiteBuild = 'sources' | 'production';

const defaultBuild: SiteBuild = process.env.RAFTKV_BUILD === 'production' ? 'production' : 'sources';

/** Serves `test/browser/pages/<name>.ts`, or `<name>.ts` of `raftkv`'s own pages, each as a module in an empty page. */
export async function serveSite(pages: readonly string[], from: SiteBuild = defaultBuild): Promise<Site> {
  const files = await bundle(pages, from);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname.slice(1);
    const script = files.get(path);
    const isPage = pages.includes(path);
    response.writeHead(script !== undefined || isPage ? 200 : 404, {
      'content-type': script === undefined ? 'text/html; charset=utf-8' : 'text/javascript; charset=utf-8',
    });
    response.end(script ?? (isPage ? shell(path) : ''));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: (page, host = '127.0.0.1') => `http://${host}:${port}/${page}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function shell(page: string): string {
  return `<!doctype html><html lang="en"><title>${page}</title><script type="module" src="/${page}.js"></script></html>`;
}

/** What a bundler goes by that builds for production; tests run under another name. */
const productionConditions = ['production', ...defaultClientConditions.filter((name) => !name.includes('development'))];

/** Takes some seconds, unless there is one that is younger than all that it is made of. */
function makeProductionBuild(): void {
  const made = statSync(join(packages, 'raftkv/dist/production/index.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const rooms = readdirSync(packages).flatMap((room) => [join(packages, room, 'src'), join(packages, room, 'build')]);
  const youngest = rooms
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))))
    .reduce((latest, file) => Math.max(latest, statSync(file).mtimeMs), 0);
  if (made < youngest) execFileSync(process.execPath, [join(packages, 'raftkv/build/production.mjs')]);
}

/** Each page is bundled once in a process. */
const bundled = new Map<string, Promise<ReadonlyMap<string, string>>>();

/** The scripts of these pages by their path. */
async function bundle(pages: readonly string[], from: SiteBuild): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const page of pages) {
    const place = `${from} ${page}`;
    if (!bundled.has(place)) bundled.set(place, bundlePage(page, from));
    for (const [path, script] of await bundled.get(place)!) files.set(path, script);
  }
  return files;
}

function fileOf(page: string): string {
  const file = join(pagesFolder, `${page}.ts`);
  return existsSync(file) ? file : join(insidePages, `${page}.ts`);
}

async function bundlePage(page: string, from: SiteBuild): Promise<ReadonlyMap<string, string>> {
  if (from === 'production') makeProductionBuild();
  const made = await build({
    root: pagesFolder,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: from === 'sources' ? ['source', ...defaultClientConditions] : productionConditions },
    // A worker is a bundle of its own, of modules too.
    worker: { format: 'es' },
    build: {
      write: false,
      assetsDir: '',
      minify: from === 'production',
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: {
        input: { [page]: fileOf(page) },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
        preserveEntrySignatures: 'strict',
      },
    },
  });
  if (!('output' in made)) throw new Error('the bundler watches, or made several bundles');
  return new Map(
    made.output.flatMap((file): [string, string][] => {
      if (file.type === 'chunk') return [[file.fileName, file.code]];
      return file.fileName.endsWith('.js') ? [[file.fileName, String(file.source)]] : [];
    }),
  );
}
