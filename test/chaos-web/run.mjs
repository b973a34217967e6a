// `npm run chaos:web`: loads main.ts as it is, without a build step of its own. Pages are bundled from the sources.
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('main.ts', import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
process.exitCode = await module.main(process.argv.slice(2));
