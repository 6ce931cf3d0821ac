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

/** Instructions for each of `requests` requests, less what the server spends in the same time with none. */
async function instructions(bench, workers) {
  const directory = mkdtempSync(join(bench.scratch, 'callgrind-'));
  const server = await startMimus(bench.scratch, {
    definitions: endpoints(10), workers,
    under: ['valgrind', '-q', '--tool=callgrind', '--trace-children=yes', '--log-file=/dev/null', `--callgrind-out-file=${directory}/%p`],
  });
  const pid = server.pids.at(-1);  // the server: the supervisor came first
  const control = (order) => execFileSync('callgrind_control', [order, String(pid)], { stdio: 'ignore' });
  const ask = (count) => onLoadCore('h2load', ['--h1', '-t1', '-c32', '-n', String(count), '-H', 'x-forwarded-for: 8.8.8.8', `${server.origin}${server.base}/users/1`]);
  await expect(server, { path: `${server.base}/users/1` }, { status: 200, body: smallBody });
  await ask(requests / 10);
  control('--zero');
  const began = performance.now();
  const { out } = await ask(requests);
  if (!out.includes(`${requests} succeeded`)) throw new Error(`${server.name}: ${out}`);
  control('--dump');
  const took = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, took));
  control('--dump');
  await server.stop();
  const parts = readdirSync(directory).filter((name) => name.startsWith(`${pid}.`))
    .sort((a, b) => Number(a.split('.')[1]) - Number(b.split('.')[1]));
  const [busy, idle] = parts.map((name) => Number(/^totals: (\d+)/m.exec(readFileSync(join(directory, name), 'utf8'))[1]));
  return (busy - idle) / requests;
}

export async function run(bench) {
  const [one, two] = [await instructions(bench, 1), await instructions(bench, 2)];
  table('Instructions per request, all threads, 32 connections, less idle ones', ['', 'instructions'],
    [['one worker', one.toFixed(0)], ['two workers', two.toFixed(0)], ['two / one', (two / one).toFixed(4)]]);
  bar('two workers / one: instructions per request, off by', Math.abs(two / one - 1), 0.03);

  const servers = [];
  for (const workers of [1, 2]) {
    servers.push(await startMimus(bench.scratch, { name: `${workers} worker${workers > 1 ? 's' : ''}`, definitions: endpoints(10), workers, cores: `${serverCore},${loadCore}` }));
  }
  await compare(bench, 'Two workers beside one, on both cores, one of which the load generator shares', servers.map((server) => [server, { path: '/users/1' }]));
}
