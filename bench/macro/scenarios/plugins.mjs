// Plugins under load: swapped a thousand times, and one that ends the server.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrk } from '../load.mjs';
import { startMimus } from '../mimus.mjs';
import { memoryKiB } from '../processes.mjs';
import { bar, table } from '../report.mjs';

export const about = '1,000 swaps of a plugin under load: memory, p99, what is left';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const id = 'com.example.hot';
const swaps = 1_000;

async function admin(server, method, path) {
  const answer = await fetch(server.origin + path, { method, headers: { authorization: 'Bearer bench' } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${method} ${path} was ${answer.status}: ${text}`);
  return JSON.parse(text);
}

/** Swaps under load until all are done: {took (ms), memory (KiB at each tenth), runs (wrk's)}. */
async function swapUnderLoad(server, load, seconds) {
  const took = [];
  const memory = [];
  const swapping = (async () => {
    while (took.length < swaps) {
      const began = performance.now();
      await admin(server, 'POST', `/admin/plugins/${id}/reload`);
      took.push(performance.now() - began);
      if (took.length % 10 === 0) memory.push(memoryKiB(server.pids, 'Rss'));  // not of the children that try images
    }
  })();
  const runs = [];
  while (took.length < swaps) runs.push(await wrk(server, load, seconds));
  await swapping;
  return { took: took.sort((a, b) => a - b), memory, runs };
}

export async function run(bench) {
  const image = join(bench.scratch, 'hot.so');
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-fvisibility=hidden', '-shared', `-I${join(root, 'sdk/include')}`,
    join(root, 'tests/e2e/plugins/hot.c'), '-o', image]);
  const directory = join(bench.scratch, 'plugins');
  mkdirSync(directory, { recursive: true });
  copyFileSync(image, join(directory, 'hot.so'));
  const start = (...args) => startMimus(bench.scratch, {
    definitions: [{ method: 'GET', path: '/hot', responses: [{ body: 'hello' }], plugins: { [id]: {} } }],
    args: ['--plugins', directory, '--plugin-probation', '0', '--log-level', 'error', ...args],
  });
  const load = { path: '/hot', connections: 16 };
  const server = await start();
  await wrk(server, load, 1);
  const calm = await wrk(server, load, bench.seconds);
  const { took, runs } = await swapUnderLoad(server, load, bench.seconds);
  const { images } = await admin(server, 'GET', `/admin/plugins/${id}`);
  const maps = readFileSync(`/proc/${server.pids.at(-1)}/maps`, 'utf8').split('\n');
  const mapped = maps.filter((line) => line.includes('/plugins/images/') && line.includes('r-xp')).length;
  await server.stop();
  const p99 = runs.map((one) => one.p99).sort((a, b) => a - b)[Math.floor(runs.length / 2)];
  table(`${swaps} swaps under load, each answered in ${took[swaps >> 1].toFixed(1)} ms (median), no request failed`,
    ['', 'req/s', 'p50 ms', 'p99 ms'],
    [['without swaps', calm.rate.toFixed(0), calm.p50.toFixed(2), calm.p99.toFixed(2)],
      ['with swaps', runs[0].rate.toFixed(0), runs[0].p50.toFixed(2), p99.toFixed(2)]]);
  bar('p99 during swaps / without', p99 / calm.p99, 2);
  bar('images that stayed mapped beside the one that serves', mapped - 1, 0, { digits: 0 });
  bar('old images that are not unloaded', images.filter((one) => one.state !== 'unloaded').length, 0, { digits: 0 });
  // The journal's memory grows with the requests, and would hide what swaps leave.
  const bare = await start('--journal', 'off');
  const { memory } = await swapUnderLoad(bare, load, bench.seconds);
  const mean = (from, to) => memory.slice(from, to).reduce((sum, one) => sum + one, 0) / (to - from);
  bar('memory over swaps 700 to 1,000 / 100 to 400', mean(70, 100) / mean(10, 40), 1.05);
}
