// Whether a second worker makes the first one's requests dearer.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from '../compare.mjs';
import { expect } from '../answer.mjs';
import { onLoadCore } from '../load.mjs';
import { endpoints, smallBody, startMimus } from '../mimus.mjs';
import { loadCore, serverCore } from '../processes.mjs';
import { bar, table } from '../report.mjs';

export const about = 'instructions per request with two workers and with one (callgrind), and their CPU side by side';

const requests = 20_000;

/** Which of valgrind's threads are event loops: its numbers for them. */
function workerThreads(pid) {
  const status = execFileSync('vgdb', [`--pid=${pid}`, 'v.info', 'scheduler'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  return [...status.matchAll(/^Thread (\d+): .*\(lwpid (\d+)\)/gm)]
    .filter(([, , task]) => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').startsWith('worker-'))
    .map(([, number]) => Number(number));
}

/** Instructions for each of `requests` requests: {workers, others}, by thread. */
async function instructions(bench, workers) {
  const directory = mkdtempSync(join(bench.scratch, 'callgrind-'));
  const server = await startMimus(bench.scratch, {
    definitions: endpoints(10), workers,
    under: ['valgrind', '-q', '--tool=callgrind', '--separate-threads=yes', '--trace-children=yes', '--log-file=/dev/null', `--callgrind-out-file=${directory}/%p`],
  });
  const pid = server.pids.at(-1);  // the server: the supervisor came first
  const control = (order) => execFileSync('callgrind_control', [order, String(pid)], { stdio: 'ignore' });
  const ask = (count) => onLoadCore('h2load', ['--h1', '-t1', '-c32', '-n', String(count), '-H', 'x-forwarded-for: 8.8.8.8', `${server.origin}${server.base}/users/1`]);
  await expect(server, { path: `${server.base}/users/1` }, { status: 200, body: smallBody });
  await ask(requests / 10);
  const loops = workerThreads(pid);
  if (loops.length !== workers) throw new Error(`${loops.length} threads are named as workers, not ${workers}`);
  control('--zero');
  const { out } = await ask(requests);
  if (!out.includes(`${requests} succeeded`)) throw new Error(`${server.name}: ${out}`);
  control('--dump');
  await server.stop();
  const sums = { workers: 0, others: 0 };
  for (const name of readdirSync(directory)) {
    const thread = name.startsWith(`${pid}.1-`) ? Number(name.split('-')[1]) : 0;
    if (thread === 0) continue;
    const total = Number(/^totals: (\d+)/m.exec(readFileSync(join(directory, name), 'utf8'))?.[1] ?? 0);
    sums[loops.includes(thread) ? 'workers' : 'others'] += total / requests;
  }
  return sums;
}

export async function run(bench) {
  const [one, two] = [await instructions(bench, 1), await instructions(bench, 2)];
  const row = (name, { workers, others }) => [name, workers.toFixed(0), others.toFixed(0), (workers + others).toFixed(0)];
  table('Instructions per request, 32 connections', ['', 'in workers', 'in other threads', 'in all'], [row('one worker', one), row('two workers', two)]);
  bar("two workers / one: workers' instructions per request, off by", Math.abs(two.workers / one.workers - 1), 0.03, { digits: 4 });

  const servers = [];
  for (const workers of [1, 2]) {
    servers.push(await startMimus(bench.scratch, { name: `${workers} worker${workers > 1 ? 's' : ''}`, definitions: endpoints(10), workers, cores: `${serverCore},${loadCore}` }));
  }
  await compare(bench, 'Two workers beside one, on both cores, one of which the load generator shares', servers.map((server) => [server, { path: '/users/1' }]));
}
