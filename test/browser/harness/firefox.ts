// Finds and starts Firefox for the suites that must hold there too. Its protocol (WebDriver BiDi) can do less to tabs than Chromium's: what
// needs a tab killed or frozen stays with Chromium.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { launch } from 'puppeteer-core';
import type { Browser } from 'puppeteer-core';

const names = ['firefox-esr', 'firefox'];
const macPath = '/Applications/Firefox.app/Contents/MacOS/firefox';

/** The path of a Firefox, or undefined. RAFTKV_FIREFOX names another one. */
export function findFirefox(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const onPath = (environment['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, process.platform === 'win32' ? `${name}.exe` : name)));
  const chosen = environment['RAFTKV_FIREFOX'];
  const candidates = chosen === undefined ? [...onPath, macPath] : [chosen];
  return candidates.find((path) => existsSync(path));
}

/** For suites of WebRTC: connections over loopback, addresses by number and not by names that only multicast resolves. */
export const webRtcPreferences = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

/** How long a page may take for anything: the machine may be busy. */
const patienceMilliseconds = 90_000;

/** Throws where there is none, with what to do. `profile`: a folder, which is kept and found again. Default: one that goes with the browser. */
export async function launchFirefox(
  extraPrefsFirefox: Record<string, unknown> = {},
  { profile }: { readonly profile?: string } = {},
): Promise<Browser> {
  const executablePath = findFirefox();
  if (executablePath === undefined) {
    throw new Error(
      'no Firefox was found: install one (Debian: apt-get install firefox-esr), or name one in RAFTKV_FIREFOX',
    );
  }
  const userDataDir = profile === undefined ? {} : { userDataDir: profile };
  const browser = await launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox,
    timeout: 120_000,
    ...userDataDir,
  });
  const newPage = browser.newPage.bind(browser);
  browser.newPage = async (options) => {
    const page = await newPage(options);
    page.setDefaultTimeout(patienceMilliseconds);
    return page;
  };
  return browser;
}
