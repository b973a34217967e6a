// Finds and starts the Chromium that the browser suites run in: one that is there already (Debian's, Chrome, Playwright's own). Nothing is
// downloaded, and without a browser the suites fail and say so. What is done with it is in `tabs.ts`.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const macPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** No sandbox, since tests run as root in containers; the rest keeps the browser from talking to anybody but the test. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const disabling = '--disable-features=';
/** The popups of each window's address bar are pages of their own, in processes of their own, which nobody sees and which cost more than a page of a test. */
const unseenPages = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'];
/** What Playwright turns off, which a switch of ours replaces: what asks others at the start, and what its interface does not bear. */
const turnedOffByPlaywright = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
];

/** Of several switches of one name the browser takes the last: so there is one that turns off all. */
function flagsWith(more: readonly string[]): string[] {
  const isOther = (flag: string): boolean => !flag.startsWith(disabling);
  const features = more.filter((flag) => !isOther(flag)).map((flag) => flag.slice(disabling.length));
  const disabled = [...turnedOffByPlaywright, ...unseenPages, ...features].join();
  return [...flags, ...more.filter(isOther), disabling + disabled];
}

/** For suites of WebRTC: connections over loopback, addresses by number and not by names that only multicast resolves. */
export const webRtcFlags = ['--allow-loopback-in-peer-connection', `${disabling}WebRtcHideLocalIpsWithMdns`];

/** The path of a Chromium or Chrome. RAFTKV_CHROMIUM names another one. Throws with what to do if there is none. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string {
  const onPath = (environment['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, process.platform === 'win32' ? `${name}.exe` : name)));
  const chosen = environment['RAFTKV_CHROMIUM'];
  const candidates = chosen === undefined ? [...onPath, ...macPaths, chromium.executablePath()] : [chosen];
  const found = candidates.find((path) => path !== '' && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'no Chromium and no Chrome was found, so the browser suites cannot run: install one (Debian: apt-get install chromium), or name one in RAFTKV_CHROMIUM',
  );
}

/** How long a page may take for anything: the machine may be busy. */
const patienceMilliseconds = 90_000;

export async function launchChromium(moreFlags: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: flagsWith(moreFlags),
    // Playwright turns the back/forward cache off, in which pages of real users are.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    timeout: 120_000,
  });
  browser.on('context', (context) => context.setDefaultTimeout(patienceMilliseconds));
  return browser;
}

/** A browser with a profile on disk, which can be killed and started again on the same data. */
export async function launchProfile(folder: string, moreFlags: readonly string[] = []): Promise<BrowserContext> {
  const launched = { executablePath: findChromium(), args: flagsWith(moreFlags), timeout: 120_000 };
  const context = await chromium.launchPersistentContext(folder, launched);
  context.setDefaultTimeout(patienceMilliseconds);
  return context;
}

/** The processes of the browser that a context belongs to. */
export async function processesOf(context: BrowserContext): Promise<readonly { type: string; id: number }[]> {
  const browser = context.browser();
  if (browser === null) throw new Error('this context has no browser');
  const protocol = await browser.newBrowserCDPSession();
  return (await protocol.send('SystemInfo.getProcessInfo')).processInfo;
}

/** As the system does when memory runs out, or a user who has lost patience: the whole browser, and nothing is said to anybody. */
export async function killBrowser(context: BrowserContext): Promise<void> {
  const main = (await processesOf(context)).find(({ type }) => type === 'browser');
  if (main === undefined) throw new Error('the browser does not name its process');
  const gone = new Promise((resolve) => {
    context.once('close', resolve);
  });
  process.kill(main.id, 'SIGKILL');
  await gone;
}
