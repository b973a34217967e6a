// Builds the page into `demo/dist` (`node demo/vite.mjs build`), from the sources of the packages; or serves it with hot reload over a local
// cluster (`node demo/vite.mjs dev`), which it starts if none runs. What the page is made of begins in `index.html`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { build, createServer, defaultClientConditions } from 'vite';

const node = 'http://127.0.0.1:8080';
const port = 5173;
const origins = [`http://localhost:${port}`, `http://127.0.0.1:${port}`];

const config = {
  configFile: false,
  root: import.meta.dirname,
  build: { target: 'es2023', modulePreload: false },
  resolve: { conditions: ['source', ...defaultClientConditions] },
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    port,
    strictPort: true,
    proxy: { '/dev.json': node, '/metrics': node, '/ws': { target: node, ws: true } },
  },
};

const [command] = process.argv.slice(2);
if (command === 'build') await build({ ...config, logLevel: 'warn' });
else if (command === 'dev') await serve();
else {
  console.error('node demo/vite.mjs build | dev');
  process.exitCode = 2;
}

async function serve() {
  await startCluster();
  const server = await createServer(config);
  await server.listen();
  server.printUrls();
}

/** It lives as long as this process. One that runs already is used, if it lets this origin in. */
async function startCluster() {
  const isRunning = await fetch(`${node}/livez`).then(
    () => true,
    () => false,
  );
  if (isRunning) {
    console.log(`Using the cluster at ${node}; it must allow ${origins[1]} (--allowed-origins).`);
    return;
  }
  const binary = join(import.meta.dirname, '../packages/raftkv/bin/raftkv.js');
  const words = [binary, 'dev', '--allowed-origins', origins.join(',')];
  const cluster = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  cluster.once('exit', (code) => process.exit(code ?? 1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => cluster.kill('SIGTERM'));
  await new Promise((resolve) => {
    cluster.stdout.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      if (text.includes('The cluster is up')) resolve();
    });
  });
}
