// `npm run chaos`: loads main.ts as it is, without a build step of its own. The members that it starts are the built command line, and so is the
// client that it works through.
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('main.ts', import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
});
process.exitCode = await module.main(process.argv.slice(2));
