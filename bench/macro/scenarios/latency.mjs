// What a request waits for while the server has half of what it could do.
import { rmSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '../answer.mjs';
import { compare } from '../compare.mjs';
import { costOf, wrk } from '../load.mjs';
import { endpoints, smallBody, startMimus } from '../mimus.mjs';
import { startNginx } from '../nginx.mjs';
import { bar } from '../report.mjs';

export const about = 'p99 at half of peak, open loop';

const connections = 32;

/**
 * One run of h2load at `rate` requests per second, whatever the answers take; figures as wrk's.
 * Each connection sends what is due every 10 ms; four of them begin in each ms, so not all at once.
 */
function steady(scratch) {
  const log = join(scratch, 'h2load.log');
  return async (server, { path, rate }, seconds) => {
    rmSync(log, { force: true });
    const run = await costOf(server, 'h2load', ['--h1', '-t1', `-c${connections}`, '-n', String(Math.round(rate * seconds)),
      '--rps', String(rate / connections), '-r4', '--rate-period=1ms', '-H', 'x-forwarded-for: 8.8.8.8', '--log-file', log, server.origin + server.base + path]);
    const rows = readFileSync(log, 'utf8').trim().split('\n').map((row) => row.split('\t').map(Number));
    if (rows.some(([, status]) => status !== 200)) throw new Error(`${server.name}: ${run.out}`);
    const waits = rows.map(([, , micros]) => micros).sort((a, b) => a - b);
    const at = (share) => waits[Math.ceil(waits.length * share) - 1] / 1e3;
    return { rate: Number(/, ([\d.]+) req\/s/.exec(run.out)[1]), p50: at(0.5), p99: at(0.99), cost: run.micros / waits.length, busy: run.busy, served: run.served, others: run.others };
  };
}

export async function run(bench) {
  const path = '/users/1';
  const servers = [await startNginx(bench.scratch), await startMimus(bench.scratch, { definitions: endpoints(10) })];
  const peaks = [];
  for (const server of servers) {
    await expect(server, { path: server.base + path }, { status: 200, body: smallBody });
    await wrk(server, { path, connections }, 1);
    peaks.push((await wrk(server, { path, connections }, bench.seconds)).rate);
  }
  const rate = Math.min(...peaks) / 2;
  const ratio = await compare(bench, `Half of peak, open loop: ${rate.toFixed(0)} req/s over ${connections} connections`,
    servers.map((server) => [server, { path, rate }]), steady(bench.scratch));
  bar('p99 at half of peak / nginx', ratio.p99, 1.5);
}
