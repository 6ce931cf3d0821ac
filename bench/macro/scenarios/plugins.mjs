// Plugins under load: swapped a thousand times, and one that ends the server.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onLoadCore, wrk } from '../load.mjs';
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

/**
 * Swaps under load until all are done: {took (ms), runs (wrk's)}. Who asks for them shares the load's core and
 * would make the load late: curl, whose URL's fragment has it ask again and again, takes next to none of it.
 */
async function swapUnderLoad(server, load, seconds) {
  let done = false;
  const swapping = onLoadCore('curl', ['-sS', '--fail', '--fail-early', '-X', 'POST', '-H', 'Authorization: Bearer bench', '-o', '/dev/null',
    '-w', '%{time_total}\\n', `${server.origin}/admin/plugins/${id}/reload#[1-${swaps}]`]).finally(() => (done = true));
  const runs = [];
  while (!done) runs.push(await wrk(server, load, seconds));
  const took = (await swapping).out.trim().split('\n').map((seconds) => Number(seconds) * 1e3);
  if (took.length !== swaps) throw new Error(`${took.length} of ${swaps} swaps`);
  return { took, runs };
}

/** The host's memory (KiB) after every tenth swap under load. */
async function memoryOverSwaps(server, load, seconds) {
  const memory = [];
  const swapping = (async () => {
    for (let i = 1; i <= swaps; ++i) {
      await admin(server, 'POST', `/admin/plugins/${id}/reload`);
      if (i % 10 === 0) memory.push(memoryKiB(server.pids, 'Rss'));  // not of the children that try images
    }
  })();
  while (memory.length < swaps / 10) await wrk(server, load, seconds);
  await swapping;
  return memory;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

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
  // One run's p99 varies by a factor of two: medians of many, of the calm ones as many before as after.
  const calm = [];
  const calmRuns = async () => { for (let i = 0; i < 4; ++i) calm.push(await wrk(server, load, bench.seconds)); };
  await calmRuns();
  const { took, runs } = await swapUnderLoad(server, load, bench.seconds);
  await calmRuns();
  const { images } = await admin(server, 'GET', `/admin/plugins/${id}`);
  const maps = readFileSync(`/proc/${server.pids.at(-1)}/maps`, 'utf8').split('\n');
  const mapped = maps.filter((line) => line.includes('/plugins/images/') && line.includes('r-xp')).length;
  await server.stop();
  const row = (name, all) => [name, ...['rate', 'p50', 'p99'].map((what) => median(all.map((one) => one[what])))];
  const rows = [row('without swaps', calm), row('with swaps', runs)];
  table(`${swaps} swaps under load, each answered in ${median(took).toFixed(1)} ms (median), no request failed`,
    ['', 'req/s', 'p50 ms', 'p99 ms'], rows.map(([name, rate, p50, p99]) => [name, rate.toFixed(0), p50.toFixed(2), p99.toFixed(2)]));
  bar('p99 during swaps / without', rows[1][3] / rows[0][3], 2);
  bar('images that stayed mapped beside the one that serves', mapped - 1, 0, { digits: 0 });
  bar('old images that are not unloaded', images.filter((one) => one.state !== 'unloaded').length, 0, { digits: 0 });
  // The journal's memory grows with the requests, and would hide what swaps leave.
  const bare = await start('--journal', 'off');
  const memory = await memoryOverSwaps(bare, load, bench.seconds);
  const mean = (from, to) => memory.slice(from, to).reduce((sum, one) => sum + one, 0) / (to - from);
  bar('memory over swaps 700 to 1,000 / 100 to 400', mean(70, 100) / mean(10, 40), 1.05);
}
