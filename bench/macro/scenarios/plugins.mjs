// Plugins under load: swapped a thousand times, and one that ends the server.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrk } from '../load.mjs';
import { startMimus } from '../mimus.mjs';
import { family, memoryKiB } from '../processes.mjs';
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

export async function run(bench) {
  const image = join(bench.scratch, 'hot.so');
  execFileSync('cc', ['-std=c11', '-D_GNU_SOURCE', '-O1', '-fPIC', '-fvisibility=hidden', '-shared', `-I${join(root, 'sdk/include')}`,
    join(root, 'tests/e2e/plugins/hot.c'), '-o', image]);
  const directory = join(bench.scratch, 'plugins');
  mkdirSync(directory, { recursive: true });
  copyFileSync(image, join(directory, 'hot.so'));
  const server = await startMimus(bench.scratch, {
    definitions: [{ method: 'GET', path: '/hot', responses: [{ body: 'hello' }], plugins: { [id]: {} } }],
    args: ['--plugins', directory, '--plugin-probation', '0', '--log-level', 'error'],
  });
  const load = { path: '/hot', connections: 16 };
  await wrk(server, load, 1);
  const calm = await wrk(server, load, bench.seconds);
  let done = 0;
  let stopped = false;
  const took = [];
  let early = 0;
  const swapping = (async () => {
    while (!stopped && done < swaps) {
      const began = performance.now();
      await admin(server, 'POST', `/admin/plugins/${id}/reload`);
      took.push(performance.now() - began);
      if (++done === swaps / 10) early = memoryKiB(family(server.child.pid), 'Rss');
    }
  })();
  const runs = [];
  while (done < swaps) runs.push(await wrk(server, load, bench.seconds));
  stopped = true;
  await swapping;
  const late = memoryKiB(family(server.child.pid), 'Rss');
  const { images } = await admin(server, 'GET', `/admin/plugins/${id}`);
  const left = readFileSync(`/proc/${family(server.child.pid).at(-1)}/maps`, 'utf8').split('\n').filter((line) => line.includes('/plugins/images/') && line.includes('r-xp')).length;
  took.sort((a, b) => a - b);
  const p99 = runs.map((one) => one.p99).sort((a, b) => a - b)[Math.floor(runs.length / 2)];
  table(`${done} swaps under load, each answered in ${took[done >> 1].toFixed(1)} ms (median), no request failed`,
    ['', 'req/s', 'p50 ms', 'p99 ms', 'RSS MiB'],
    [['without swaps', calm.rate.toFixed(0), calm.p50.toFixed(2), calm.p99.toFixed(2), calm.rss.toFixed(1)],
      ['with swaps', runs[0].rate.toFixed(0), runs[0].p50.toFixed(2), p99.toFixed(2), (late / 1024).toFixed(1)]]);
  bar('p99 during swaps / without', p99 / calm.p99, 2);
  bar('memory after 1,000 swaps / after 100', late / early, 1.05);
  bar('images that stayed mapped beside the one that serves', left - 1, 0, { digits: 0 });
  bar('old images that are not unloaded', images.filter((one) => one.state !== 'unloaded').length, 0, { digits: 0 });
}
