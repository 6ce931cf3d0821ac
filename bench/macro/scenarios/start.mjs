// How long a start takes until the server is ready, beside what the database alone takes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { manyEndpoints, startMimus } from '../mimus.mjs';
import { startNginx } from '../nginx.mjs';
import { loadCore, serverCore } from '../processes.mjs';
import { bar, table } from '../report.mjs';

export const about = "start to ready beside RocksDB::Open and nginx: new, empty, 100,000 endpoints";

const rounds = 5;
const cores = `${serverCore},${loadCore}`;
const openStore = join(process.env.MIMUS_BENCH_BUILD ?? '', 'bin/open_store');

/** Milliseconds of RocksDB::Open in a process of its own. */
const opened = (data) => Number(execFileSync('taskset', ['-c', cores, openStore, data]).toString());

async function readyMimus(bench, data) {
  const server = await startMimus(bench.scratch, { data, cores });
  await server.stop();
  return server.ready;
}

async function readyNginx(bench) {
  const server = await startNginx(bench.scratch, { cores });
  await server.stop();
  return server.ready;
}

export async function run(bench) {
  const fresh = () => mkdtempSync(join(bench.scratch, 'new-'));
  const empty = fresh();
  await readyMimus(bench, empty);
  const many = await manyEndpoints(bench);
  const directories = [['new directory', fresh], ['empty directory', () => empty], ['100,000 endpoints', () => many]];
  const best = { nginx: Infinity, open: directories.map(() => Infinity), ready: directories.map(() => Infinity) };
  for (let round = 0; round < rounds; ++round) {
    best.nginx = Math.min(best.nginx, await readyNginx(bench));
    for (const [i, [, directory]] of directories.entries()) {
      best.open[i] = Math.min(best.open[i], opened(directory()));
      best.ready[i] = Math.min(best.ready[i], await readyMimus(bench, directory()));
    }
  }
  table(`Start to ready, ms, best of ${rounds}; nginx is ready after ${best.nginx.toFixed(1)}`, ['', 'RocksDB::Open', 'mimus', 'above it'],
    directories.map(([name], i) => [name, best.open[i].toFixed(1), best.ready[i].toFixed(1), (best.ready[i] - best.open[i]).toFixed(1)]));
  for (const [i, [name]] of directories.entries()) bar(`start, ${name}: above RocksDB::Open`, best.ready[i] - best.open[i], 20, { unit: ' ms', digits: 1 });
}
