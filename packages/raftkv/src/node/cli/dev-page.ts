// Where the page of `raftkv dev` is, and how a member is told of it: the built demo of the repository that the command runs in, handed to the
// members' processes through their environment, together with the key to the control. A published package has none, and its members
// show their status pages.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PageHook } from '@raftkv/server/node';
import { createPage } from '../page.ts';

const variable = 'RAFTKV_DEV_PAGE';

/** What `/dev.json` tells a page. */
export interface DevSession {
  /** Origin of the control API. */
  readonly control: string;
  readonly token: string;
  /** "host:port" of all members. */
  readonly endpoints: readonly string[];
}

interface PageSetting {
  readonly directory: string;
  readonly session: DevSession;
}

/** The folder of the built page, if this is the repository and it was built. */
export function findPage(): string | undefined {
  const root = new URL('../../../../../', import.meta.url);
  const manifest = new URL('package.json', root);
  if (!existsSync(manifest)) return undefined;
  // Elsewhere the same way up leads into somebody's project.
  const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: string };
  const page = fileURLToPath(new URL('demo/dist', root));
  return name === 'raftkv-workspace' && existsSync(`${page}/index.html`) ? page : undefined;
}

/** The environment for a member that serves it. */
export function pageEnvironment(directory: string | undefined, session: DevSession): Readonly<Record<string, string>> {
  if (directory === undefined) return {};
  const setting: PageSetting = { directory, session };
  return { [variable]: JSON.stringify(setting) };
}

/** In the member's process: the page that its parent wants it to serve, if any. */
export function pageOf(environment: NodeJS.ProcessEnv): PageHook | undefined {
  const text = environment[variable];
  if (text === undefined) return undefined;
  const { directory, session } = JSON.parse(text) as PageSetting;
  const members = session.endpoints.flatMap((endpoint) => [endpoint, endpoint.replace('127.0.0.1', 'localhost')]);
  const connectTo = [session.control, ...members.flatMap((member) => [`ws://${member}`, `http://${member}`])];
  return createPage({ directory, connectTo, dev: session });
}
