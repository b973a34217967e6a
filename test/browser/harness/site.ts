// A site for one suite: bundles pages from the sources of the packages, as an app would be, and serves them on loopback. Each site
// has a port and so an origin of its own, with its own storage.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';

const pagesFolder = join(import.meta.dirname, '../pages');

export interface Site {
  /** Where the page of this name is; by default under a name that browsers trust as they trust https. */
  url(page: string, host?: string): string;
  close(): Promise<void>;
}

/** Serves `test/browser/pages/<name>.ts`, each as a module in an empty page. */
export async function serveSite(pages: readonly string[]): Promise<Site> {
  const files = await bundle(pages);
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

/** The scripts by their path. */
async function bundle(pages: readonly string[], options: { minify?: boolean } = {}): Promise<Map<string, string>> {
  const made = await build({
    root: pagesFolder,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: {
      write: false,
      minify: options.minify ?? false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: {
        input: Object.fromEntries(pages.map((page) => [page, join(pagesFolder, `${page}.ts`)])),
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
        preserveEntrySignatures: 'strict',
      },
    },
  });
  if (!('output' in made)) throw new Error('the bundler watches, or made several bundles');
  return new Map(made.output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code]] : [])));
}
